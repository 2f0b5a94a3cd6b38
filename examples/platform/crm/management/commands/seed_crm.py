"""`django-admin seed_crm`: add the rows of content/tenants.toml to a database just migrated."""

import tomllib
import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.models import Activity, Company, Contact, Deal

CONTENT = Path(__file__).resolve().parents[2] / "content" / "tenants.toml"


class Command(BaseCommand):
    """Add two tenants' rows; refuses where rows already are."""

    help = "Add the demonstration tenants' rows."

    def handle(self, *args: Any, **options: Any) -> None:
        """Add everything or nothing."""
        if Company.objects.exists():
            raise CommandError("this database has rows already; start from an empty one")
        content = tomllib.loads(CONTENT.read_text(encoding="utf-8"))
        with transaction.atomic():
            for tenant in content["tenant"]:
                _seed(uuid.UUID(tenant.pop("id")), tenant)
        self.stdout.write(f"{Contact.objects.count()} contacts of {len(content['tenant'])} tenants")


def _seed(tenant_id: uuid.UUID, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Add one tenant's rows; they refer to a company by name, to a contact by address, to a deal by title."""
    named: dict[str, dict[str, Any]] = {"company": {}, "contact": {}, "deal": {}}

    def create(model: type, row: dict[str, Any]) -> Any:
        links = {key: named[key][row.pop(key)] for key in list(row) if key in named}
        return model.objects.create(tenant_id=tenant_id, **links, **row)

    for row in rows["company"]:
        named["company"][row["name"]] = create(Company, row)
    for row in rows["contact"]:
        named["contact"][row["email"]] = create(Contact, row)
    for row in rows["deal"]:
        named["deal"][row["title"]] = create(Deal, row)
    for row in rows.get("activity", []):
        create(Activity, row)
