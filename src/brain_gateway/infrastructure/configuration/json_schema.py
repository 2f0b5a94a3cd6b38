"""The JSON Schema of gateway.yaml (draft 2020-12), made from the models."""

from __future__ import annotations

import json

from pydantic import JsonValue

from brain_gateway.schemas.file import GatewayFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: JsonValue = {"$ref": "#/$defs/FromEnvironment"}
_FROM_ENVIRONMENT: JsonValue = {
    "description": "A value from the environment: ${NAME} or ${NAME:-default}.",
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
}
_ABOUT = frozenset({"default", "description"})
_BY_NAME = frozenset({"properties", "$defs"})
_LISTS = frozenset({"anyOf"})
_SINGLE = frozenset({"", "items", "additionalProperties"})
_NARROW = frozenset({"enum", "format", "pattern"})
_NO_TEXT = frozenset({"integer", "number", "boolean"})


def gateway_schema() -> dict[str, JsonValue]:
    """The schema. What takes no text, or not any text, may be a reference to the environment too."""
    schema = _with_references(GatewayFile.model_json_schema())
    models = schema["$defs"]
    assert isinstance(models, dict)  # pydantic puts every model but the first there
    models["FromEnvironment"] = _FROM_ENVIRONMENT
    return {"$schema": DIALECT, **schema, "title": "gateway.yaml of Brain Gateway"}


def schema_text() -> str:
    """The schema as the file catalogue/gateway.schema.json holds it."""
    return json.dumps(gateway_schema(), indent=2, allow_nan=False) + "\n"


def _with_references(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """`schema` without generated titles, and with a reference beside whatever does not take one."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    if schema.get("type") in _NO_TEXT or not _NARROW.isdisjoint(schema):
        about = {key: value for key, value in kept.items() if key in _ABOUT}
        rest: JsonValue = {key: value for key, value in kept.items() if key not in _ABOUT}
        return {**about, "anyOf": [rest, _REFERENCE]}
    return {key: _below(key, value) for key, value in kept.items()}


def _below(keyword: str, value: JsonValue) -> JsonValue:
    """The value of a keyword, the schemas in it transformed (JSON Schema core, section 10)."""
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: _below("", schema) for name, schema in value.items()}
    if keyword in _LISTS and isinstance(value, list):
        return [_below("", schema) for schema in value]
    return _with_references(value) if keyword in _SINGLE and isinstance(value, dict) else value
