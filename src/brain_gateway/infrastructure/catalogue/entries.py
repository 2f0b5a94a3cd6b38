"""From the text of a catalogue file to an Integration, or to all of its faults."""

from __future__ import annotations

from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.integrations.integration import Integration
from brain_gateway.infrastructure.catalogue.reading import Entry
from brain_gateway.schemas.faults import Fault, Path, refuse
from brain_gateway.schemas.integration import AuthModel, CredentialModel, IntegrationModel
from brain_gateway.schemas.integration_building import integration
from brain_gateway.schemas.integration_checks import findings

_KEYS = sorted({*IntegrationModel.model_fields, *AuthModel.model_fields, *CredentialModel.model_fields})


def parse_entry(text: str, stem: str) -> Integration:
    """The integration in the `text` of `stem`.yaml. Raises ConfigurationError whose `faults` are lines like
    `stripe.yaml:3: category: must be ...`.
    """
    entry, file = Entry(text), f"{stem}.yaml"
    if entry.faults:
        raise refuse(file, entry.faults)
    try:
        model = IntegrationModel.model_validate(entry.values)
    except ValidationError as error:
        raise refuse(file, [_fault(entry, detail) for detail in error.errors()]) from None
    try:
        built = integration(model)
    except ConfigurationError as error:
        raise refuse(file, [Fault(1, (), error.detail)]) from None
    found = [Fault(entry.line(path), path, message) for path, message in findings(model, built, stem)]
    if found:
        raise refuse(file, found)
    return built


def _fault(entry: Entry, detail: ErrorDetails) -> Fault:
    path: Path = tuple(step for step in detail["loc"] if step != "[key]")
    return Fault(entry.line(path), path, _message(detail))


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        near = get_close_matches(str(detail["loc"][-1]), _KEYS, n=1, cutoff=0.6)
        return f"is not a known key{f'; did you mean {near[0]}?' if near else ''}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("model_type", "dict_type"):
        return "must be a mapping (lines of `key: value`)"
    return detail["msg"].replace("Input should", "must").replace("String should", "must")
