"""A gateway's application: what is asked again and again is answered at once, the rest loads when it is asked for.

A gateway that proxies and is watched needs no framework: FastAPI, the models and endpoints of the administrative API
and their documentation are a third of a start, and a tenth of the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.api.problem_response import on_gateway_error, on_unexpected
from brain_gateway.domain.errors import GatewayError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Answer = Callable[[Request], Response]
"""Answers a GET (and HEAD: the server keeps the body back) from memory. Raises GatewayError."""

OWN = frozenset(("health", "metrics", "docs", "redoc", "openapi.json", "api"))
"""The first segments of all paths that the application behind has; a path with another is the proxy's."""


class Front:
    """`answers` are to GET and HEAD of these exact paths; `own` has all other paths of the gateway's, and falls back to
    `proxy` by itself.
    """

    def __init__(self, answers: Mapping[str, Answer], own: ASGIApp, proxy: ASGIApp) -> None:
        self._answers = answers
        self._own = own
        self._proxy = proxy
        known = ExceptionMiddleware(self._serve, {GatewayError: on_gateway_error})
        self._quick = ServerErrorMiddleware(known, on_unexpected)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or whatever else a server has to say."""
        app = self._own if self._is_own(scope) else self._quick
        await app(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        if scope["type"] not in ("http", "websocket") or scope.get("root_path"):
            return True  # below another path, only the framework knows which are whose
        path: str = scope["path"]
        if self._answer(scope) is not None:
            return False
        return path.startswith("/") and path.split("/", 2)[1] in OWN

    def _answer(self, scope: Scope) -> Answer | None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return None
        return self._answers.get(scope["path"])

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope)
        app = self._proxy if answer is None else answer(Request(scope))
        await app(scope, receive, send)
