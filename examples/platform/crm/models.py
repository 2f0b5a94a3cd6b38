"""What the CRM knows. Every row belongs to one tenant; identifiers are random, so they tell nothing."""

import uuid
from typing import Self

from django.db import models


class TenantQuerySet(models.QuerySet):
    """Rows, narrowed by owner."""

    def of(self, tenant_id: uuid.UUID) -> Self:
        """Only the rows of this tenant."""
        return self.filter(tenant_id=tenant_id)


class TenantOwned(models.Model):
    """What every row has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(db_index=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-created_at", "id"]


class Company(TenantOwned):
    """An organisation that people work for."""

    name = models.CharField(max_length=120)
    domain = models.CharField(max_length=120, blank=True)
    industry = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2")

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "name", name="company_name_of_tenant")]

    def __str__(self) -> str:
        return self.name


class Contact(TenantOwned):
    """A person; one address is one contact within a tenant."""

    class Stage(models.TextChoices):
        """How far the acquaintance has come."""

        SUBSCRIBER = "subscriber"
        LEAD = "lead"
        OPPORTUNITY = "opportunity"
        CUSTOMER = "customer"

    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60, blank=True)
    email = models.EmailField()
    phone = models.CharField(max_length=30, blank=True)
    job_title = models.CharField(max_length=80, blank=True)
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.LEAD)
    company = models.ForeignKey(
        Company, null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts"
    )

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "email", name="contact_email_of_tenant")]

    @property
    def company_name(self) -> str | None:
        """The company's name, or None for a person without one."""
        return self.company.name if self.company else None

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Deal(TenantOwned):
    """A sale that may happen."""

    class Stage(models.TextChoices):
        """Where in the pipeline it is."""

        NEW = "new"
        QUALIFIED = "qualified"
        PROPOSAL = "proposal"
        WON = "won"
        LOST = "lost"

    title = models.CharField(max_length=120)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="deals")
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="deals"
    )
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.NEW)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    expected_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class Activity(TenantOwned):
    """Something done, or to be done, with a contact or for a deal."""

    class Kind(models.TextChoices):
        """What sort of thing."""

        CALL = "call"
        EMAIL = "email"
        MEETING = "meeting"
        NOTE = "note"
        TASK = "task"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject = models.CharField(max_length=160)
    body = models.TextField(blank=True)
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.CASCADE, related_name="activities"
    )
    deal = models.ForeignKey(Deal, null=True, blank=True, on_delete=models.CASCADE, related_name="activities")
    due_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return self.subject
