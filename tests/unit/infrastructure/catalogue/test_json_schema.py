"""The published schema: equal to the models, and agreeing with the loader."""

import json
from importlib.resources import files

import pytest
import yaml
from jsonschema import Draft202012Validator

from brain_gateway.infrastructure.catalogue.json_schema import DIALECT, entry_schema, schema_text
from tests.unit.infrastructure.catalogue.test_entries import VALID, VARIANTS


def violations(text: str) -> list[str]:
    return [
        error.json_path for error in Draft202012Validator(entry_schema()).iter_errors(yaml.safe_load(text))
    ]


def test_the_published_file_is_up_to_date():
    published = (files("brain_gateway") / "catalogue" / "integration.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: make docs"


def test_it_is_a_schema_of_draft_2020_12():
    schema = json.loads(schema_text())
    assert schema["$schema"] == DIALECT
    Draft202012Validator.check_schema(schema)
    assert "title" in schema["properties"]


@pytest.mark.parametrize("text", [VALID, VARIANTS])
def test_what_the_loader_takes(text):
    assert violations(text) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("agents: 2", "agents: 5", "$.agents"),
        ("business_ops", "business", "$.category"),
        ("title: Pay", "titel: Pay", "$"),
        ("scheme: bearer", "scheme: beerer", "$.auth"),
        ("https://docs", "http://docs", "$.documentation"),
        ("required: false", "require: false", "$.credentials"),
    ],
)
def test_what_the_loader_refuses(old, new, path):
    assert old in VALID
    found = violations(VALID.replace(old, new))
    assert found
    assert all(place.startswith(path) for place in found)
