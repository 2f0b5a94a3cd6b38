"""Rules over several keys of an entry of the catalogue: nothing in it may name what is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from brain_gateway.domain.integrations.credential_field import FIELD_NAME, CredentialField
from brain_gateway.domain.integrations.integration import Integration, IntegrationVariant
from brain_gateway.schemas.faults import Path
from brain_gateway.schemas.integration import IntegrationModel

_PLACEHOLDER = re.compile(rf"\{{({FIELD_NAME})(?:\.({FIELD_NAME}))?\}}", re.ASCII)
Finding = tuple[Path, str]
"""The key at fault, and what to do."""

_LABEL = re.compile(r"(?:[a-z0-9-]|\[(?:a-z|A-Z|0-9)+-?\]|\{\d+(?:,\d+)?\}|[()?|])+", re.ASCII)
"""Patterns that match nothing but letters, digits and hyphens: what they take leads to no other host."""

_IN_ADDRESS = (
    "is part of an address: it must be required, not secret, and have values, or a pattern of letters, digits "
    "and hyphens alone, such as [a-z]{2}-[0-9]"
)


def findings(model: IntegrationModel, integration: Integration, stem: str) -> Iterator[Finding]:
    """What is wrong with an entry in the file `stem`.yaml, and with what it becomes."""
    if model.name != stem:
        yield ("name",), f'must be "{stem}", as the file is called'
    if model.variants is not None and len(model.variants) < 2:
        yield ("variants",), "must be two or more: write the only one's keys into the entry itself"
    for variant in integration.variants:
        path: Path = ("variants", variant.name) if model.variants else ()
        for below, message in variant_findings(variant):
            yield (*path, *below), message


def variant_findings(variant: IntegrationVariant) -> Iterator[Finding]:
    """What is wrong with one variant, with paths below it."""
    names = {field.name for field in variant.fields}
    for key, auth in (("auth", variant.authentication), ("write_auth", variant.write_authentication)):
        for part, message in auth.faults(names) if auth else ():
            yield ((key, "uses", part) if auth and part in auth.uses else (key, part)), message
    if variant.base_urls and "default" not in variant.base_urls:
        yield ("base_urls",), "must have one called default"
    yield from _values_agree(variant)
    yield from _templates_lead_somewhere(variant)


def _values_agree(variant: IntegrationVariant) -> Iterator[Finding]:
    for field in variant.fields:
        if len({frozenset(attributes) for attributes in field.values.values()}) > 1:
            yield ("credentials", field.name, "values"), "must all have the same attributes"


def _templates_lead_somewhere(variant: IntegrationVariant) -> Iterator[Finding]:
    for name, url in variant.base_urls.items():
        yield from _template(("base_urls", name), url, variant, address=True)
    for name, text in variant.headers.items():
        yield from _template(("headers", name), text, variant, address=False)
    for key, auth in (("auth", variant.authentication), ("write_auth", variant.write_authentication)):
        for name, text in (auth.settings if auth else {}).items():
            yield from _template((key, name), text, variant, address=True)


def _template(path: Path, text: str, variant: IntegrationVariant, *, address: bool) -> Iterator[Finding]:
    fields = {field.name: field for field in variant.fields}
    if set(_PLACEHOLDER.sub("", text)) & set("{}"):
        yield path, "has braces that are no {field} or {field.attribute}"
    for name, attribute in _PLACEHOLDER.findall(text):
        field = fields.get(name)
        if field is None:
            yield path, f"names {{{name}}}, and there is no such credential field"
        elif attribute and not _has(field.values, attribute):
            yield path, f"names {{{name}.{attribute}}}, and the values of {name} have no such attribute"
        elif address and not _leads_nowhere_else(field):
            yield ("credentials", name), _IN_ADDRESS


def _leads_nowhere_else(field: CredentialField) -> bool:
    bounded = bool(field.values) or _LABEL.fullmatch(field.pattern or "") is not None
    return bounded and field.required and not field.secret


def _has(values: Mapping[str, Mapping[str, str]], attribute: str) -> bool:
    return bool(values) and all(attribute in attributes for attributes in values.values())
