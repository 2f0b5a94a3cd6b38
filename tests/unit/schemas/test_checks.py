"""Rules over several keys of a service."""

from __future__ import annotations

import pytest

from brain_gateway.schemas.checks import findings, is_exposed, ties
from brain_gateway.schemas.service import ServiceModel


def places(unreadable: frozenset[str] = frozenset(), **values: object) -> list[tuple[str | int, ...]]:
    return [path for path, _ in findings(ServiceModel.model_validate(values), unreadable)]


@pytest.mark.parametrize(
    ("kind", "exposed", "expected"),
    [
        ("backend", None, True),
        ("ai", None, True),
        ("infrastructure", None, True),
        ("internal", None, False),
        ("internal", False, False),
        ("backend", False, False),
    ],
)
def test_is_exposed(kind, exposed, expected):
    assert is_exposed(ServiceModel(kind=kind, exposed=exposed)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"kind": "internal", "exposed": True}, [("exposed",)]),
        ({"kind": "internal", "exposed": False}, []),
        ({"probe": {"type": "redis"}, "exposed": True}, [("exposed",)]),
        ({"kind": "infrastructure"}, [("roles",)]),
        ({"kind": "infrastructure", "exposed": False}, []),
        ({"kind": "infrastructure", "roles": ["super_admin"]}, []),
        ({"strict": True}, [("strict",)]),
        ({"strict": True, "routes": [{"path": "/"}]}, []),
        ({"targets": ["http://a", "http://a:80"]}, [("targets", 1)]),
        ({"targets": ["http://a:1", "https://a:1", "http://b:1"]}, []),
        ({"routes": [{"path": "/a", "public": True, "roles": ["x"]}]}, [("routes", 0, "roles")]),
        ({"discovery": {"name": "crm"}}, [("discovery",)]),
        ({"discovery": {"name": "crm", "port": 80}}, []),
        ({"discovery": {"name": "crm"}, "port": 80}, []),
        ({"discovery": {"name": "crm", "record": "SRV"}}, []),
    ],
)
def test_findings(values, expected):
    assert places(**values) == expected


def test_a_check_is_left_out_while_one_of_its_keys_cannot_be_read():
    assert places(frozenset({"roles"}), kind="infrastructure") == []
    assert places(frozenset({"port"}), kind="infrastructure") == [("roles",)]


@pytest.mark.parametrize(
    ("first", "second", "tied"),
    [
        ({"path": "/a"}, {"path": "/a"}, True),
        ({"path": "/{a}"}, {"path": "/{b}"}, True),
        ({"path": "/{a:int}"}, {"path": "/{b}"}, False),
        ({"path": "/a"}, {"path": "/{a}"}, False),
        ({"path": "/a", "methods": ["GET"]}, {"path": "/a", "methods": ["POST"]}, False),
        ({"path": "/a", "methods": ["GET"]}, {"path": "/a"}, True),
        ({"path": "/a", "methods": ["GET", "PUT"]}, {"path": "/a", "methods": ["PUT"]}, True),
    ],
)
def test_ties(first, second, tied):
    model = ServiceModel.model_validate({"routes": [{"path": "/other"}, first, second]})
    assert [path for path, _ in ties(model)] == ([("routes", 2, "path")] if tied else [])


def test_every_pair_that_ties_is_told():
    model = ServiceModel.model_validate({"routes": [{"path": "/{a}"}, {"path": "/{b}"}, {"path": "/{c}"}]})
    assert len(list(ties(model))) == 3
