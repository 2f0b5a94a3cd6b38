"""GET /openapi.json: made beside the requests when it is first asked for, and kept as it goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.api.late import in_small_steps


class OpenApiDocument:
    """`make` describes the endpoints (a third of a second for those of the administrative API)."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self._text: bytes | None = None

    async def answer(self, request: Request) -> Response:
        """The document; behind a server that serves the gateway below a path, with that path (OpenAPI: servers)."""
        async with self._making:
            if self._text is None:
                self._text = await asyncio.to_thread(in_small_steps, self._written)
        below = request.scope.get("root_path", "").rstrip("/")
        text = self._text if not below else await asyncio.to_thread(self._written, below)
        return Response(text, media_type="application/json")

    def _written(self, below: str = "") -> bytes:
        document = self._make()
        return orjson.dumps({**document, "servers": [{"url": below}]} if below else document)
