"""The trie: methods at its nodes. What it finds is tested through RouteMatcher."""

import pytest

from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.routing.route_trie import Methods, RouteTrie, offer, serving

PATTERN = RoutePattern("/a/{x}")
GET, HEAD, ANY = (Route(PATTERN, frozenset(methods)) for methods in (["GET"], ["HEAD"], []))


@pytest.mark.parametrize(
    ("offered", "method", "expected"),
    [
        ([GET], "GET", GET),
        ([GET], "HEAD", GET),
        ([GET, HEAD], "HEAD", HEAD),
        ([HEAD, GET], "HEAD", HEAD),
        ([GET], "POST", None),
        ([ANY], "PURGE", ANY),
        ([], "GET", None),
    ],
)
def test_serving(offered: list[Route], method: str, expected: Route | None) -> None:
    methods: Methods = {}
    for route in offered:
        offer(methods, route)
    assert serving(methods, method) is expected


def test_a_look_up_costs_the_depth_of_the_path() -> None:
    """No node but those along the path is visited, however many routes there are."""
    trie = RouteTrie()
    for number in range(500):
        trie.insert(Route(RoutePattern(f"/r{number}/{{x}}")))
    assert len(trie.literals) == 500
    for name in [name for name in trie.literals if name != "r7"]:
        trie.literals[name] = None  # type: ignore[assignment]  # visiting it would raise
    assert trie.find(["r7", "x"], 0, "GET") is not None
    assert list(trie.all_methods(["r7", "x", "y"], 0)) == [{}, {}, {}]
