"""Plans as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.cli.remote.plans import conflicts, differences, is_empty, lines_of, summary

PLAN = {
    "base": 7,
    "owner": "platform",
    "summary": {"create": 1, "update": 1, "delete": 1, "adopt": 1, "conflict": 1, "unchanged": 12},
    "changes": [
        {"step": "create", "kind": "service", "key": "new", "before": None, "after": {"targets": []}},
        {
            "step": "update",
            "kind": "service",
            "key": "crm",
            "before": {"prefix": "/a", "limit": {"requests": 5, "window": 60}},
            "after": {"prefix": "/b", "strict": True, "limit": {"requests": 9, "window": 60}},
        },
        {"step": "delete", "kind": "api_key", "key": "sha256:ab", "before": {}, "after": None},
        {"step": "adopt", "kind": "limit", "key": "default", "owner": "api"},
        {"step": "conflict", "kind": "service", "key": "theirs", "owner": "other\x1b[1m"},
    ],
}


def test_every_change_has_its_sign_and_an_update_its_fields():
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in lines_of(PLAN)] == [
        "+ service new",
        "~ service crm",
        "    ~ prefix: /a -> /b",
        "    ~ limit.requests: 5 -> 9",
        "    + strict: yes",
        "- api key sha256:ab",
        "= limit default  (was api's)",
        "! service theirs  (declared by other [1m)",
        "1 to create, 1 to change, 1 to delete, 1 to adopt, 1 in conflict; 12 unchanged",
    ]


def test_nothing_to_do():
    plan = {"changes": [], "summary": {"create": 0, "unchanged": 3}}
    assert is_empty(plan)
    assert summary(plan) == "nothing to do; 3 unchanged"


def test_conflicts():
    assert conflicts(PLAN) == ["service theirs is declared by other\x1b[1m"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {}, [("-", "a: 1")]),
        ({}, {"a": {"b": 1}}, [("+", "a: b=1")]),
        ({"roles": ["x"]}, {"roles": ["x", "y"]}, [("~", "roles: x -> x, y")]),
        (
            {"targets": [{"url": "http://a:1"}, {"url": "http://b:1"}]},
            {"targets": [{"url": "http://a:1", "weight": 0}, {"url": "http://c:1"}]},
            [
                ("+", "targets[http://a:1].weight: 0"),
                ("-", "targets[http://b:1]: url=http://b:1"),
                ("+", "targets[http://c:1]: url=http://c:1"),
            ],
        ),
        (
            {"routes": [{"path": "/a", "methods": ["GET"]}, {"path": "/a", "methods": ["PUT"]}]},
            {
                "routes": [
                    {"path": "/a", "methods": ["GET"], "public": True},
                    {"path": "/a", "methods": ["PUT"]},
                ]
            },
            [("+", "routes[GET /a].public: yes")],
        ),
        ({"targets": []}, {"targets": [{"url": "x"}]}, [("~", "targets: - -> url=x")]),
        ({"a": 0}, {"a": None}, [("-", "a: 0")]),
    ],
)
def test_differences(before, after, told):
    assert list(differences(before, after)) == told


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "url", "path"]), below)
    ),
)


@given(st.dictionaries(st.text("ab"), values), st.dictionaries(st.text("ab"), values))
def test_what_differs_is_told_and_nothing_else(before, after):
    def plain(one):
        return {name: value for name, value in one.items() if value is not None}

    assert bool(list(differences(before, after))) is (plain(before) != plain(after)) or before != after
    assert list(differences(before, before)) == []
