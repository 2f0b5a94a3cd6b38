"""Limits as values, and which class a call falls into."""

from math import inf, nan

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.limits import LimitClass, LimitClasses, RateLimit
from brain_gateway.domain.routing.service_status import ServiceKind
from brain_gateway.domain.tenancy import Role


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0, 60.0), "requests"),
        ((-1, 60.0), "requests"),
        ((1, 0.0), "window"),
        ((1, -1.0), "window"),
        ((1, 0.0005), "window"),
        ((1, inf), "window"),
        ((1, nan), "window"),
        ((10, 60.0, 0), "burst"),
        ((10, 60.0, 11), "burst"),
    ],
)
def test_an_impossible_limit_names_its_fault(arguments: tuple, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        RateLimit(*arguments)


@pytest.mark.parametrize("arguments", [(1, 0.001), (1_000_000_000, 60.0), (10, 60.0, 1), (10, 60.0, 10)])
def test_possible_limits(arguments: tuple) -> None:
    assert RateLimit(*arguments).requests == arguments[0]


@pytest.mark.parametrize(
    ("kind", "roles", "anonymous", "expected", "requests"),
    [
        (ServiceKind.BACKEND, {Role.CLIENT}, False, LimitClass.DEFAULT, 100),
        (ServiceKind.BACKEND, set(), False, LimitClass.DEFAULT, 100),
        (ServiceKind.AI, {Role.CLIENT}, False, LimitClass.AGENTS, 10),
        (ServiceKind.AI, {Role.SUPER_ADMIN}, False, LimitClass.AGENTS, 10),
        (ServiceKind.BACKEND, {Role.SUPER_ADMIN}, False, LimitClass.ADMIN, 1000),
        (ServiceKind.INFRASTRUCTURE, {"client", "tenant_admin"}, False, LimitClass.ADMIN, 1000),
        (ServiceKind.BACKEND, {Role.MANAGER}, False, LimitClass.DEFAULT, 100),
        (ServiceKind.BACKEND, set(), True, LimitClass.PUBLIC, 30),
        (ServiceKind.AI, {Role.SUPER_ADMIN}, True, LimitClass.PUBLIC, 30),
    ],
)
def test_pick(kind: str, roles: set[str], anonymous: bool, expected: LimitClass, requests: int) -> None:
    assert LimitClasses().pick(kind, frozenset(roles), anonymous) == (expected, RateLimit(requests, 60.0))


def test_a_class_can_have_another_limit() -> None:
    own = RateLimit(5, 1.0)
    assert LimitClasses(agents=own).pick("ai", (), False) == (LimitClass.AGENTS, own)
