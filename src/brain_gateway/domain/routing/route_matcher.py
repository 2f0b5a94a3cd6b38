"""Which route a request belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

from brain_gateway.domain.errors import Conflict
from brain_gateway.domain.routing.parameter_type import ParameterValue
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_trie import EVERY_METHOD, Methods, RouteTrie, offer

_NO_PARAMETERS: Mapping[str, ParameterValue] = MappingProxyType({})


class Match(NamedTuple):
    """The route, and what its parameters are in this path."""

    route: Route
    parameters: Mapping[str, ParameterValue]


class MethodMismatch(NamedTuple):
    """The path exists for these methods only (for the Allow field of a 405)."""

    allowed: frozenset[str]


class RouteMatcher:
    """An immutable set of routes.

    Among the routes that match path and method the most specific wins: segment by segment from the left,
    literal over typed over str over path. The order in which routes were given does not matter; two that
    would tie are refused at construction with Conflict, which names both.
    """

    __slots__ = ("_literals", "_trie", "routes")

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self.routes = tuple(routes)
        _refuse_ties(self.routes)
        by_path: dict[str, Methods] = defaultdict(dict)
        self._trie: RouteTrie | None = None
        for route in self.routes:
            if route.pattern.literal is not None:
                offer(by_path[route.pattern.literal], route)
            else:
                self._trie = self._trie or RouteTrie()
                self._trie.insert(route)
        self._literals = {
            path: {method: Match(route, _NO_PARAMETERS) for method, route in methods.items()}
            for path, methods in by_path.items()
        }

    def match(self, method: str, path: str) -> Match | MethodMismatch | None:
        """The route for a method and a path in the normal form of `route_pattern.py`, if any."""
        by_method = self._literals.get(path)
        if by_method is not None:
            found = by_method.get(method) or by_method.get(EVERY_METHOD)
            if found is not None:
                return found
        elif self._trie is None:
            return None
        return self._search(method, path)

    def _search(self, method: str, path: str) -> Match | MethodMismatch | None:
        allowed = set(self._literals.get(path, ()))
        if self._trie is not None and path.startswith("/"):
            segments = path[1:].split("/")
            route = self._trie.find(segments, 0, method)
            if route is not None:
                return Match(route, route.pattern.parameters_of(segments))
            for methods in self._trie.all_methods(segments, 0):
                allowed.update(methods)
        return MethodMismatch(frozenset(allowed)) if allowed else None


def _refuse_ties(routes: tuple[Route, ...]) -> None:
    """Only routes of one shape (the same literals at the same places) can tie, so only those are compared."""
    shapes: dict[tuple[str | int, ...], list[Route]] = defaultdict(list)
    for route in routes:
        shape = (text if kind is None else kind.rank for text, kind in route.pattern.segments)
        shapes[tuple(shape)].append(route)
    for group in shapes.values():
        for one, other in combinations(group, 2):
            if one.shares_a_method(other) and one.pattern.overlaps(other.pattern):
                raise Conflict(
                    f'routes "{one.id}" and "{other.id}" match the same requests; remove or narrow one'
                )
