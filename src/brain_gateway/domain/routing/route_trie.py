"""Routes with parameters as a trie of path segments: a look-up costs the depth of the path, not the number
of routes.
"""

from __future__ import annotations

from collections.abc import Iterator

from brain_gateway.domain.routing.parameter_type import RANK_PATH, RANK_TEXT, ParameterType
from brain_gateway.domain.routing.route import Route

EVERY_METHOD = ""  # the key of a route for every method; no method is empty

Methods = dict[str, Route]  # method -> route


def offer(methods: Methods, route: Route) -> None:
    """Enters `route` under its methods. GET answers HEAD too (RFC 9110 section 9.3.2) unless a route names
    HEAD.
    """
    for method in route.methods or (EVERY_METHOD,):
        methods[method] = route
    if "GET" in route.methods:
        methods.setdefault("HEAD", route)


def serving(methods: Methods, method: str) -> Route | None:
    """The route for `method`, if any."""
    return methods.get(method) or methods.get(EVERY_METHOD)


class RouteTrie:
    """One node: what may follow the segments that led here."""

    __slots__ = ("ends", "literals", "rests", "text", "typed")

    def __init__(self) -> None:
        self.literals: dict[str, RouteTrie] = {}
        self.typed: dict[ParameterType, RouteTrie] = {}
        self.text: RouteTrie | None = None
        self.ends: Methods = {}  # routes whose last segment led here
        self.rests: Methods = {}  # routes whose path parameter takes all that follows

    def insert(self, route: Route) -> None:
        """Adds a route. Ties must have been refused before."""
        node = self
        for text, kind in route.pattern.segments:
            if kind is None:
                node = node.literals.setdefault(text, RouteTrie())
            elif kind.rank == RANK_PATH:
                offer(node.rests, route)
                return
            elif kind.rank == RANK_TEXT:
                node.text = node = node.text or RouteTrie()
            else:
                node = node.typed.setdefault(kind, RouteTrie())
        offer(node.ends, route)

    def find(self, segments: list[str], at: int, method: str) -> Route | None:
        """The most specific route for `method` and the segments from `at` on."""
        if at == len(segments):
            return serving(self.ends, method) or serving(self.rests, method)
        segment = segments[at]
        found = None
        if segment in self.literals:
            found = self.literals[segment].find(segments, at + 1, method)
        if found is None and self.typed:
            found = self._find_typed(segments, at, method)
        if found is None and self.text is not None and segment:
            found = self.text.find(segments, at + 1, method)
        return found if found is not None or not self.rests else serving(self.rests, method)

    def all_methods(self, segments: list[str], at: int) -> Iterator[Methods]:
        """The methods of every pattern that matches the segments from `at` on."""
        if at == len(segments):
            yield self.ends
            yield self.rests
            return
        segment = segments[at]
        if segment in self.literals:
            yield from self.literals[segment].all_methods(segments, at + 1)
        for kind, child in self.typed.items():
            if kind.accepts(segment):
                yield from child.all_methods(segments, at + 1)
        if self.text is not None and segment:
            yield from self.text.all_methods(segments, at + 1)
        yield self.rests

    def _find_typed(self, segments: list[str], at: int, method: str) -> Route | None:
        """The most specific over all types that accept the segment: they rank alike, what follows decides."""
        best: Route | None = None
        for kind, child in self.typed.items():
            found = child.find(segments, at + 1, method) if kind.accepts(segments[at]) else None
            if found is not None and (best is None or found.pattern.specificity > best.pattern.specificity):
                best = found
        return best
