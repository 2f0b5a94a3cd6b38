"""YAML with lines: values, places, and the faults of writing."""

from __future__ import annotations

import pytest
import yaml

from brain_gateway.infrastructure.configuration.document import MAX_DEPTH, Document

TEXT = """\
services:
  one:
    port: 1
    targets:
      - http://a:1
      - http://b:1
  two: {port: 2, roles: [a, b]}
"""


def faults(text: str) -> list[tuple[int, str]]:
    return [(fault.line, fault.message) for fault in Document(text, {}).faults]


def test_values():
    document = Document(TEXT, {})
    assert document.values == {
        "services": {
            "one": {"port": 1, "targets": ["http://a:1", "http://b:1"]},
            "two": {"port": 2, "roles": ["a", "b"]},
        }
    }
    assert document.faults == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("services",), 1),
        (("services", "one"), 2),
        (("services", "one", "port"), 3),
        (("services", "one", "targets", 1), 6),
        (("services", "two", "roles", 0), 7),
        (("services", "one", "absent"), 2),
        (("services", "absent", "port"), 1),
        (("services", "one", "targets", 9), 4),
    ],
)
def test_lines(path, line):
    assert Document(TEXT, {}).line(path) == line


def test_empty():
    assert Document("", {}).values is None
    assert Document("# nothing\n", {}).values is None


def test_keys_are_texts():
    assert Document("{1: a, true: b, null: c}", {}).values == {"1": "a", "true": "b", "null": "c"}


def test_quoted_scalars_are_texts():
    assert Document("""{a: "1", b: 'true', c: 1}""", {}).values == {"a": "1", "b": "true", "c": 1}


def test_duplicates_name_both_lines_and_the_first_counts():
    document = Document("a: 1\nb: 2\na: 3\n", {})
    assert document.values == {"a": 1, "b": 2}
    assert [(f.line, f.path, f.message) for f in document.faults] == [
        (3, ("a",), "is written twice (first in line 1): keep one")
    ]


def test_references_are_expanded_to_texts():
    document = Document("a: ${A}\nb: '${A}0'\nc: ${C:-5}\n", {"A": "1"})
    assert document.values == {"a": "1", "b": "10", "c": "5"}
    assert document.reference(("a",)) == "${A}"
    assert document.reference(("x",)) is None


def test_a_value_cannot_change_the_structure():
    assert Document('a: "${A}"', {"A": "x\nb: 2"}).values == {"a": "x\nb: 2"}


def test_an_unset_variable_is_a_fault_of_its_line():
    document = Document("a: 1\nb: [2, '${NOPE}']\n", {})
    assert [fault.text("f") for fault in document.faults] == [
        "f:2: b[1]: environment variable NOPE is not set: set it, or write ${NOPE:-default}"
    ]
    assert document.unread == [("b", 1)]


def test_aliases_and_merge_keys():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd:\n  <<: [{y: 7}, *a]\n"
    document = Document(text, {})
    assert document.faults == []
    assert document.values["b"] == {"x": 1, "y": 3}
    assert document.values["c"] == {"x": 1, "y": 2}
    assert document.values["d"] == {"x": 1, "y": 7}
    assert document.line(("b", "x")) == 1
    assert document.line(("b", "y")) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object:os.system x", "tags are not taken"),
        ("a: !secret x", "tags are not taken"),
        ("? [a]\n: b", "a key that is no text"),
        ("a: {<<: 5}", "must name mappings to merge"),
        ("a: " + "[" * 40 + "]" * 40, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
        ("a: &a {<<: *a}", "nested too deeply"),
    ],
)
def test_faults_of_writing(text, said):
    assert any(said in message for _, message in faults(text))


def test_aliases_of_aliases_end(monkeypatch):
    monkeypatch.setattr("brain_gateway.infrastructure.configuration.document.MAX_NODES", 1000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    assert any("repeats itself" in message for _, message in faults("\n".join(lines)))


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "\ta: 1", "a: *nowhere", "a: 1\n---\nb: 2", "%BAD\n---\n"]
)
def test_what_is_no_yaml(text):
    with pytest.raises(yaml.YAMLError):
        Document(text, {})


def test_depth_is_enough_for_every_file():
    assert MAX_DEPTH > 10
