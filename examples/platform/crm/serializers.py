"""Rows as JSON. A reference to another row is looked up among the caller's own rows only."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from crm.models import Activity, Company, Contact, Deal, TenantOwned


class OwnRow(serializers.PrimaryKeyRelatedField):
    """A reference by id; another tenant's row does not exist."""

    def get_queryset(self) -> QuerySet[TenantOwned]:
        """The rows that may be named here."""
        return super().get_queryset().of(self.context["request"].user.tenant_id)


class TenantSerializer(serializers.ModelSerializer):
    """Writes the tenant into new rows and keeps names unique within it."""

    serializer_related_field = OwnRow
    unique_name: str | None = None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a second row with the same name or address."""
        field = self.unique_name
        if field and field in attrs:
            rows = self.Meta.model.objects.of(self.context["request"].user.tenant_id)
            if self.instance is not None:
                rows = rows.exclude(pk=self.instance.pk)
            if rows.filter(**{field: attrs[field]}).exists():
                raise serializers.ValidationError({field: f"There is one with this {field} already."})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> TenantOwned:
        """Add a row of the caller's tenant."""
        return super().create({**validated_data, "tenant_id": self.context["request"].user.tenant_id})


class CompanySerializer(TenantSerializer):
    """A company."""

    unique_name = "name"

    class Meta:
        model = Company
        fields = ["id", "name", "domain", "industry", "country", "created_at", "updated_at"]


class ContactSerializer(TenantSerializer):
    """A contact, with its company's name for reading."""

    unique_name = "email"
    company_name = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Contact
        fields = [
            *("id", "first_name", "last_name", "email", "phone", "job_title", "stage"),
            *("company", "company_name", "created_at", "updated_at"),
        ]


class DealSerializer(TenantSerializer):
    """A deal."""

    class Meta:
        model = Deal
        fields = [
            *("id", "title", "company", "contact", "stage", "amount", "currency", "expected_on"),
            *("created_at", "updated_at"),
        ]


class PipelineSerializer(serializers.Serializer):
    """What one stage of the pipeline holds, in one currency."""

    stage = serializers.CharField()
    currency = serializers.CharField()
    deals = serializers.IntegerField()
    total = serializers.DecimalField(max_digits=16, decimal_places=2)


class ActivitySerializer(TenantSerializer):
    """An activity; it concerns a contact, a deal, or both."""

    class Meta:
        model = Activity
        fields = [
            *("id", "kind", "subject", "body", "contact", "deal", "due_at", "done_at"),
            *("created_at", "updated_at"),
        ]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an activity that concerns nobody."""
        attrs = super().validate(attrs)
        both = {name: attrs.get(name, getattr(self.instance, name, None)) for name in ("contact", "deal")}
        if not any(both.values()):
            raise serializers.ValidationError("Name a contact, a deal, or both.")
        return attrs
