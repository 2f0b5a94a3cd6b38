"""JSON is read as YAML would read it, or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.configuration import parse_configuration
from brain_gateway.infrastructure.configuration.document import Document
from brain_gateway.infrastructure.configuration.json_values import plain_json

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8).filter(
    lambda text: "${" not in text
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | texts
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
)
values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3)
)


@given(st.dictionaries(texts, values, max_size=4), st.booleans())
def test_the_same_values_as_yaml(document, indented):
    text = json.dumps(document, indent=2 if indented else None, ensure_ascii=False)
    by_yaml = Document(f" {text}", {})  # a space in front: not the short way
    assert (plain_json(text), by_yaml.faults) == (by_yaml.values, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1",
        "[1]",
        "{a: 1}",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": "${A}"}',
        '{"a": 1',
        '{"a":' * 5000,
    ],
)
def test_what_is_left_to_yaml(text):
    assert plain_json(text) is None


def test_members_that_are_there_twice_are_told_with_their_lines():
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration('{"services": {"x": {"port": 1,\n"port": 2}}}')
    assert caught.value.faults == (
        "gateway.yaml:2: services.x.port: is written twice (first in line 1): keep one",
    )


def test_faults_in_json_have_lines():
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration('{"services":\n{"x": {"prot": 1}}}')
    assert all(fault.startswith("gateway.yaml:2: services.x") for fault in caught.value.faults)


def test_faults_in_json_that_is_no_yaml():
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration('{"tenants":\n{"x": {"name": "\\ud83d\\ude00"}}}')
    assert caught.value.faults[0].startswith("gateway.yaml:1: tenants.x")
