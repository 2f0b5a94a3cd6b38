"""JSON Merge Patch: the examples of RFC 7396 (appendix A), and its algebra."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.api.rest.admin.merge_patch import merge

EXAMPLES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

names = st.sampled_from("abcd")
leaves = st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=2) | st.just("")
documents = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, leaves | inner, max_size=3),
    max_leaves=6,
)
patches = st.recursive(
    st.dictionaries(names, leaves | st.none(), max_size=3),
    lambda inner: st.dictionaries(names, leaves | st.none() | inner, max_size=3),
    max_leaves=6,
)


def between(old, new):
    """The patch that leads from one document to another."""
    changed = {}
    for name in {*old, *new}:
        if name not in new:
            changed[name] = None
        elif name not in old:
            changed[name] = new[name]
        elif isinstance(old[name], dict) and isinstance(new[name], dict):
            changed[name] = between(old[name], new[name])
        elif old[name] != new[name]:
            changed[name] = new[name]
    return changed


@pytest.mark.parametrize(("document", "patch", "merged"), EXAMPLES)
def test_the_examples_of_the_rfc(document, patch, merged):
    assert merge(document, patch) == merged


@given(documents, patches)
def test_a_patch_twice_is_a_patch_once(document, patch):
    once = merge(document, patch)
    assert merge(once, patch) == once


@given(documents, patches)
def test_nothing_that_is_given_is_changed(document, patch):
    before = repr((document, patch))
    merge(document, patch)
    assert repr((document, patch)) == before


@given(documents, patches)
def test_no_null_of_the_patch_arrives(document, patch):
    def nulls(value):
        return value is None or (isinstance(value, dict) and any(map(nulls, value.values())))

    assert not nulls(merge(document, patch))


@given(documents, documents)
def test_there_is_a_patch_from_each_document_to_each_other(old, new):
    assert merge(old, between(old, new)) == new


@given(documents)
def test_an_empty_patch_changes_nothing(document):
    assert merge(document, {}) == document
