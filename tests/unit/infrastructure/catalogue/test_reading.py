"""Entries as plain values, with the lines of their keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.infrastructure.catalogue.reading import Entry


def told(text: str) -> list[str]:
    return [fault.text("a.yaml") for fault in Entry(text).faults]


def test_values_and_lines():
    entry = Entry("name: a\nauth:\n  uses: {token: b}\nlist:\n  - x\n  - y\n")
    assert entry.values == {"name": "a", "auth": {"uses": {"token": "b"}}, "list": ["x", "y"]}
    assert entry.faults == []
    paths = [("name",), ("auth", "uses", "token"), ("list", 1), ("auth", "other"), ("other",), ()]
    assert [entry.line(path) for path in paths] == [1, 3, 6, 2, 1, 1]


def test_every_key_that_is_written_twice():
    text = "name: a\nname: b\nauth:\n  uses: {x: 1, x: 2}\nlist: [{y: 1, y: 2}]\n"
    assert told(text) == [
        "a.yaml:2: name: is written twice (first in line 1): keep one",
        "a.yaml:4: auth.uses.x: is written twice (first in line 4): keep one",
        "a.yaml:5: list[0].y: is written twice (first in line 5): keep one",
    ]


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "\t- x", "a: !!python/object:os.system {}", "--- a\n--- b\n"]
)
def test_what_is_no_yaml(text):
    (fault,) = told(text)
    assert fault.startswith("a.yaml:")
    assert "is not YAML" in fault


def test_nothing():
    assert (Entry("").values, Entry("").faults, Entry("").line(("a",))) == (None, [], 1)


@given(st.text(alphabet="ab:- \n{}[],&*!'\"#|>?%@", max_size=40))
def test_any_text_has_values_or_faults(text):
    entry = Entry(text)
    assert entry.values is None or not [fault for fault in entry.faults if "not YAML" in fault.message]
