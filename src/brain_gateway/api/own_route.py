"""How the gateway's own paths take methods: HEAD wherever GET is (RFC 9110 section 9.1), and Allow names them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class OwnRoute(APIRoute):
    """Answers HEAD like GET; the server keeps the body back (section 9.3.2). `endless`: its answer has no end that a
    HEAD could wait for."""

    endless: ClassVar[bool] = False

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As of a GET, for HEAD."""
        return super().matches(self._as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As a GET, for HEAD."""
        await super().handle(self._as_get(scope), receive, send)

    def _as_get(self, scope: Scope) -> Scope:
        if scope.get("method") != "HEAD" or self.endless:
            return scope
        return {**scope, "method": "GET"}


def allowed(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The Allow field of a path: every method that one of the routes takes there."""
    found = [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(found)
