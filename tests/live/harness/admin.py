"""A client of the administrative API, and traffic that goes on while it is used."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.live.harness.credentials import bearer
from tests.live.harness.gateway import Gateway, head, request
from tests.live.harness.wire import Connection, Message


class Admin:
    """A super_admin on one connection, so of one worker; it is opened again when it was closed."""

    def __init__(self, gateway: Gateway, client: Connection | None = None) -> None:
        self._gateway = gateway
        self._client = client
        self._line = bearer(roles=("super_admin",))

    async def call(self, method: str, path: str, document: Any = None, *lines: str) -> Message:
        """One request below /api/v1."""
        body = b"" if document is None else json.dumps(document).encode()
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        more = (f"Content-Type: {kind}", f"Content-Length: {len(body)}") if document is not None else ()
        if self._client is None or self._client.reader.ended:
            self._client = await self._gateway.connect()
        await self._client.send(head(request(method, f"/api/v1{path}", self._line, *more, *lines)) + body)
        return await self._client.response(method)

    async def do(self, method: str, path: str, document: Any = None, *lines: str) -> Any:
        """One request that must succeed; its document, if it has one."""
        answer = await self.call(method, path, document, *lines)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer.json() if answer.body else None


class Traffic:
    """Requests one after the other on keep-alive connections, for as long as the context is open.

    `answers` counts the statuses; `failures` tells of every answer that is not 200 and of every connection that ended.
    """

    def __init__(self, paths: Sequence[str], line: str | None = None, pause: float = 0.005) -> None:
        self._pause = pause  # seconds between two rounds: the test's process has other work too
        self._heads = [head(request("GET", path, line)) for path in paths]
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []

    @property
    def count(self) -> int:
        """Answers so far."""
        return self.answers.total()

    @contextlib.asynccontextmanager
    async def over(self, clients: Sequence[Connection]) -> AsyncIterator[Traffic]:
        """Send over these connections; what is under way at the end is awaited."""
        ended = asyncio.Event()
        tasks = [asyncio.create_task(self._send(client, ended)) for client in clients]
        try:
            yield self
        finally:
            ended.set()
            await asyncio.gather(*tasks)

    async def _send(self, client: Connection, ended: asyncio.Event) -> None:
        while not ended.is_set():
            for text in self._heads:
                try:
                    await client.send(text)
                    answer = await client.response()
                except (EOFError, OSError) as error:
                    self.failures.append(f"{text.partition(b' HTTP')[0].decode()}: {error!r}")
                    return
                self.answers[answer.status] += 1
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {answer.body.decode()}")
            await asyncio.sleep(self._pause)
