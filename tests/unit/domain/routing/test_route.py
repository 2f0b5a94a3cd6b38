"""Routes: checked when made, named stably."""

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_pattern import RoutePattern

PATTERN = RoutePattern("/campaigns/{id:int}")


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ([], "* /campaigns/{id:int}"),
        (["GET"], "GET /campaigns/{id:int}"),
        (["POST", "GET"], "GET,POST /campaigns/{id:int}"),
        (["GET", "POST"], "GET,POST /campaigns/{id:int}"),
    ],
)
def test_the_id_is_stable(methods: list[str], expected: str) -> None:
    assert Route(PATTERN, frozenset(methods)).id == expected


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"methods": frozenset({"GET POST"})}, '"GET POST" is not an HTTP method'),
        ({"methods": frozenset({""})}, "is not an HTTP method"),
        ({"public": True, "roles": frozenset({"manager"})}, "cannot ask for roles"),
    ],
)
def test_contradictions_are_refused(fault: dict, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Route(PATTERN, **fault)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [([], [], True), ([], ["GET"], True), (["GET"], ["GET", "PUT"], True), (["GET"], ["PUT"], False)],
)
def test_shares_a_method(one: list[str], other: list[str], shared: bool) -> None:
    first, second = (Route(PATTERN, frozenset(methods)) for methods in (one, other))
    assert first.shares_a_method(second) is second.shares_a_method(first) is shared


def test_a_route_is_a_value() -> None:
    limit = RateLimit(5, 1.0)
    assert Route(PATTERN, limit=limit) == Route(PATTERN, limit=limit)
    assert len({Route(PATTERN), Route(PATTERN), Route(PATTERN, public=True)}) == 2
