"""Gateways of several workers that share limits: load on them, and whether they have lost their store."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.builders.raw_server import closed_port
from tests.live.harness.gateway import Gateway, eventually, head, request, running_gateway


def limit(requests: int, window: str) -> dict:
    """A service's limit."""
    return {"limit": {"requests": requests, "window": window}}


def all_listen(gateway: Gateway, workers: int) -> bool:
    """Whether each of them takes connections."""
    return gateway.log.count("listening on") == workers


@contextlib.asynccontextmanager
async def gateways(
    folder: Path, config: dict, *workers: int, **variables: str
) -> AsyncIterator[list[Gateway]]:
    """As many gateways as `workers` has numbers; errors in their logs are expected."""
    async with contextlib.AsyncExitStack() as stack:
        started = []
        for at, number in enumerate(workers):
            port = closed_port()
            gateway = await stack.enter_async_context(
                running_gateway(
                    folder / f"g{at}", config, workers=number, port=port, faults=True, **variables
                )
            )
            started.append(gateway)
            await eventually(functools.partial(all_listen, gateway, number), "all workers listen")
        yield started


class Load:
    """Clients that ask without a pause over connections that are kept; what they were answered, by kind."""

    def __init__(self, gateways: list[Gateway], service: str = "crm", clients: int = 8) -> None:
        self.answers: Counter[str] = Counter()
        self.admitted: list[tuple[float, float]] = []  # when each was sent, and answered
        self._alike: list[tuple[str, int]] = (
            [("", 0)] * clients * len(gateways)
        )  # each client's last: kind, times
        self._head = head(request("GET", f"/{service}/x"))
        self._clients = [gateway for gateway in gateways for _ in range(clients)]
        self._tasks: list[asyncio.Task[None]] = []
        self._going = True

    async def __aenter__(self) -> Load:
        self._tasks = [
            asyncio.create_task(self._client(at, gateway)) for at, gateway in enumerate(self._clients)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)

    async def _client(self, at: int, gateway: Gateway) -> None:
        client = await gateway.connect()
        while self._going:
            sent = time.monotonic()
            await client.send(self._head)
            answer = await client.response()
            kind = str(answer.status)
            if answer.status == 200:
                self.admitted.append((sent, time.monotonic()))
            if answer.status == 503:
                kind += " " + answer.json()["type"]
            self.answers[kind] += 1
            last, times = self._alike[at]
            self._alike[at] = (kind, times + 1 if kind == last else 1)
            await asyncio.sleep(0.002)

    async def answered(self, kind: str, more: int = 1) -> None:
        """Wait for so many more answers of a kind."""
        wanted = self.answers[kind] + more
        await eventually(lambda: self.answers[kind] >= wanted, f"{more} more answers of {kind}")

    async def full(self) -> None:
        """Wait until every client is refused and refused again: its process has heard that nothing is left."""
        refused = ("429", 20)
        await eventually(
            lambda: all((kind, min(times, 20)) == refused for kind, times in self._alike),
            "everybody is refused",
        )


async def in_a_row(gateway: Gateway, path: str, number: int) -> list[int]:
    """The statuses of so many requests over one connection, so to one worker."""
    client = await gateway.connect()
    statuses = []
    for _ in range(number):
        await client.send(head(request("GET", path)))
        statuses.append((await client.response()).status)
    return statuses


class Touch:
    """Whether the workers have lost the store, and found it, since this was made."""

    def __init__(self, gateways: list[Gateway], workers: int) -> None:
        self._gateways = gateways
        self._workers = workers
        self._before = [(self._lost(gateway), self._found(gateway)) for gateway in gateways]

    def _lost(self, gateway: Gateway) -> int:
        return gateway.log.count("limits are not shared")

    def _found(self, gateway: Gateway) -> int:
        return gateway.log.count("limits are shared")

    async def lost(self) -> None:
        """Wait until each of them has."""
        await eventually(lambda: self._each(self._lost, 0), "every worker is alone")

    async def found(self) -> None:
        """Likewise."""
        await eventually(lambda: self._each(self._found, 1), "every worker shares again")

    def _each(self, count: Callable[[Gateway], int], at: int) -> bool:
        pairs = zip(self._gateways, self._before, strict=True)
        return all(count(gateway) - before[at] >= self._workers for gateway, before in pairs)
