"""Write what is made from the catalogue of integrations: its JSON Schema, and the table in docs/catalogue.md.

Run by `make docs`; tests/house holds both equal to what this writes.
"""

from __future__ import annotations

import re
from pathlib import Path

from brain_gateway.domain.integrations.integration import ONLY_VARIANT, Integration, IntegrationVariant
from brain_gateway.infrastructure.catalogue.integration_catalogue import IntegrationCatalogue
from brain_gateway.infrastructure.catalogue.json_schema import schema_text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "src" / "brain_gateway" / "catalogue"
PAGE = ROOT / "docs" / "catalogue.md"
TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", re.DOTALL)
MARKS = {"platform": "", "documents": " d", "project": " p"}


def table() -> str:
    """One row per integration, large patterns first; fields in brackets may be left out."""
    rows = ["| name | agents | category | credentials |", "|---|---|---|---|"]
    for entry in sorted(IntegrationCatalogue().all(), key=lambda entry: (-entry.agents, entry.name)):
        ways = "; or ".join(_way(variant) for variant in entry.variants)
        rows.append(f"| {entry.name} | {entry.agents}{_mark(entry)} | {entry.category} | {ways} |")
    return "\n".join(rows) + "\n"


def _way(variant: IntegrationVariant) -> str:
    fields = ", ".join(field.name if field.required else f"({field.name})" for field in variant.fields)
    return (fields or "none") if variant.name == ONLY_VARIANT else f"{variant.name}: {fields}"


def _mark(entry: Integration) -> str:
    text = (FOLDER / "integrations" / f"{entry.name}.yaml").read_text(encoding="utf-8")
    found = re.search(r"^origin: (\w+)$", text, re.MULTILINE)
    return MARKS[found[1]] if found else ""


def page(text: str) -> str:
    """The page `text` with the table as it must be."""
    return TABLE.sub(lambda found: found[1] + table() + found[2], text)


if __name__ == "__main__":
    (FOLDER / "integration.schema.json").write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
