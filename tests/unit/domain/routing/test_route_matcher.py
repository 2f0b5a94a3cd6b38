"""Matching: the most specific wins, whatever the order; the same as trying every route would find."""

import re
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import Conflict
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_matcher import Match, MethodMismatch, RouteMatcher
from brain_gateway.domain.routing.route_pattern import RoutePattern

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
PARTS = ["a", "b", "{x}", "{x:int}", "{x:slug}", "{x:uuid}"]
METHODS = ["GET", "POST", "HEAD"]
# Texts of every kind: literal, integer, slug, UUID, none of these, empty.
PATHS = [
    "/" + "/".join(parts)
    for depth in (1, 2, 3)
    for parts in product(["a", "b", "5", ID, "x y", ""], repeat=depth)
]


def route(text: str, *methods: str) -> Route:
    return Route(RoutePattern(text), frozenset(methods))


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.sampled_from(PARTS), max_size=3))
    named = [part.replace("x", f"x{at}") for at, part in enumerate(parts)]
    return "/" + "/".join(named + ["{rest:path}"] * draw(st.integers(0, 1)))


@st.composite
def route_sets(draw: st.DrawFn) -> list[Route]:
    """Routes without ties: one that ties with an earlier one is left out."""
    chosen: list[Route] = []
    for text in draw(st.lists(patterns(), min_size=1, max_size=12)):
        candidate = route(text, *draw(st.lists(st.sampled_from(METHODS), max_size=2)))
        if not any(tie_by_search(candidate, other) for other in chosen):
            chosen.append(candidate)
    return chosen


# The model: every route becomes one regular expression, made here from its text alone, and all are tried.
MODEL = {"int": "[0-9]{1,19}", "slug": "[A-Za-z0-9_-]+", "uuid": "[0-9a-f-]{36}", "": "[^/]+"}
RANKS = {"int": 2, "slug": 2, "uuid": 2, "": 1}


def model(text: str) -> tuple[re.Pattern[str], list[int]]:
    expression, ranks = "", []
    for part in text[1:].split("/"):
        kind = part.strip("{}").partition(":")[2]
        if kind == "path":
            return re.compile(expression + "(/.*)?" if expression else "/.*"), [*ranks, 0]
        is_parameter = part.startswith("{")
        expression += "/" + (f"({MODEL[kind]})" if is_parameter else re.escape(part))
        ranks.append(RANKS[kind] if is_parameter else 3)
    return re.compile(expression), [*ranks, 3]


def tie_by_search(one: Route, other: Route) -> bool:
    (first, first_rank), (second, second_rank) = model(one.pattern.text), model(other.pattern.text)
    if first_rank != second_rank or not (set(one.methods or METHODS) & set(other.methods or METHODS)):
        return False
    return any(first.fullmatch(path) and second.fullmatch(path) for path in PATHS)


def search(routes: list[Route], method: str, path: str) -> Route | frozenset[str] | None:
    """Every route is tried. GET answers HEAD; of two alike, the one that names HEAD is meant."""
    hits = [
        (rank, each)
        for each in routes
        for expression, rank in [model(each.pattern.text)]
        if expression.fullmatch(path)
    ]
    served = {"HEAD", "GET"} if method == "HEAD" else {method}
    fit = [
        (rank, method in each.methods, each)
        for rank, each in hits
        if not each.methods or each.methods & served
    ]
    if fit:
        return max(fit, key=lambda hit: hit[:2])[2]
    allowed = {name for _, each in hits for name in each.methods}
    return frozenset(allowed | ({"HEAD"} if "GET" in allowed else set())) if hits else None


@given(route_sets(), st.randoms(), st.sampled_from(PATHS), st.sampled_from([*METHODS, "PUT"]))
def test_it_finds_what_trying_every_route_finds(
    routes: list[Route], random: object, path: str, method: str
) -> None:
    shuffled = list(routes)
    random.shuffle(shuffled)
    expected = search(routes, method, path)
    for found in (RouteMatcher(routes).match(method, path), RouteMatcher(shuffled).match(method, path)):
        if isinstance(found, Match):
            assert found.route == expected
            assert found.parameters == found.route.pattern.match(path)
        else:
            assert (found and found.allowed) == expected


@given(
    patterns(),
    patterns(),
    st.lists(st.sampled_from(METHODS), max_size=2),
    st.lists(st.sampled_from(METHODS), max_size=2),
)
def test_ties_are_refused_and_nothing_else(one: str, other: str, some: list[str], others: list[str]) -> None:
    pair = [route(one, *some), route(other, *others)]
    if tie_by_search(*pair):
        for routes in (pair, pair[::-1]):
            with pytest.raises(Conflict) as caught:
                RouteMatcher(routes)
            assert pair[0].id in str(caught.value)
            assert pair[1].id in str(caught.value)
    else:
        RouteMatcher(pair)


TABLE = [
    route("/campaigns", "GET", "POST"),
    route("/campaigns/{id:int}", "GET"),
    route("/campaigns/{id:int}", "DELETE"),
    route("/campaigns/mine", "POST"),
    route("/campaigns/{name}"),
    route("/campaigns/{rest:path}", "GET"),
    route("/{a:int}/{b}"),
    route("/{a:slug}/end", "GET"),
]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/campaigns", "GET,POST /campaigns"),
        ("HEAD", "/campaigns", "GET,POST /campaigns"),
        ("PUT", "/campaigns", {"GET", "HEAD", "POST"}),
        ("GET", "/campaigns/5", "GET /campaigns/{id:int}"),
        ("DELETE", "/campaigns/5", "DELETE /campaigns/{id:int}"),
        ("PATCH", "/campaigns/5", "* /campaigns/{name}"),
        ("POST", "/campaigns/mine", "POST /campaigns/mine"),
        ("GET", "/campaigns/mine", "* /campaigns/{name}"),
        ("GET", "/campaigns/a/b", "GET /campaigns/{rest:path}"),
        ("POST", "/campaigns/a/b", {"GET", "HEAD"}),
        ("GET", "/5/end", "GET /{a:slug}/end"),
        ("POST", "/5/end", "* /{a:int}/{b}"),
        ("GET", "/nowhere", None),
        ("GET", "/", None),
        ("GET", "", None),
        ("GET", "campaigns/5", None),
        ("*", "/campaigns", {"GET", "HEAD", "POST"}),
        ("", "/campaigns", {"GET", "HEAD", "POST"}),
    ],
)
def test_examples(method: str, path: str, expected: str | set[str] | None) -> None:
    found = RouteMatcher(TABLE).match(method, path)
    if isinstance(found, Match):
        assert found.route.id == expected
    elif isinstance(found, MethodMismatch):
        assert found.allowed == expected
    else:
        assert found is expected


def test_parameters_are_converted() -> None:
    found = RouteMatcher(TABLE).match("GET", "/campaigns/5")
    assert isinstance(found, Match)
    assert found.parameters == {"id": 5}


def test_every_order_of_registration_gives_the_same_answers() -> None:
    routes = TABLE[3:]
    paths = ["/campaigns/5", "/campaigns/mine", "/campaigns/a/b", "/5/end", "/campaigns"]
    answers = {
        tuple(str(RouteMatcher(order).match("GET", path)) for path in paths) for order in permutations(routes)
    }
    assert len(answers) == 1


def test_a_route_that_names_head_goes_before_the_one_that_only_implies_it() -> None:
    get, head = route("/{x}", "GET"), route("/{y}", "HEAD")
    for order in ((get, head), (head, get)):
        found = RouteMatcher(order).match("HEAD", "/a")
        assert isinstance(found, Match)
        assert found.route is head


def test_a_conflict_names_both() -> None:
    with pytest.raises(Conflict, match=re.escape('"GET /a/{x}" and "GET,POST /a/{y}"')):
        RouteMatcher([route("/a/{x}", "GET"), route("/b"), route("/a/{y}", "GET", "POST")])


def test_no_routes_match_nothing() -> None:
    assert RouteMatcher().match("GET", "/") is None


def test_thousands_of_routes_compile_and_match() -> None:
    routes = [route(f"/things{number}/{{id:int}}/parts/{{name}}", "GET") for number in range(3000)]
    found = RouteMatcher(routes).match("GET", "/things1234/5/parts/x")
    assert isinstance(found, Match)
    assert found.route is routes[1234]
    assert found.parameters == {"id": 5, "name": "x"}
