"""The JSON Schema of catalogue/integrations/*.yaml (draft 2020-12), made from the models."""

from __future__ import annotations

import json

from pydantic import JsonValue

from brain_gateway.schemas.integration import IntegrationModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def entry_schema() -> dict[str, JsonValue]:
    """The schema of one entry. Rules over several keys are the loader's alone."""
    schema = _untitled(IntegrationModel.model_json_schema())
    assert isinstance(schema, dict)  # a model is an object
    return {"$schema": DIALECT, **schema, "title": "An entry of Brain Gateway's catalogue of integrations"}


def schema_text() -> str:
    """The schema as the file catalogue/integration.schema.json holds it."""
    return json.dumps(entry_schema(), indent=2, allow_nan=False) + "\n"


def _untitled(value: JsonValue) -> JsonValue:
    """Without the titles that are made from names; a property that is called title is a mapping, and stays."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key != "title" or not isinstance(one, str)}
        return {key: _untitled(one) for key, one in kept.items()}
    return [_untitled(one) for one in value] if isinstance(value, list) else value
