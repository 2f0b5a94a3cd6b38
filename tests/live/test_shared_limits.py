"""Two gateways of four workers on one Valkey: never more than the limit, whatever becomes of the store."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.builders.raw_server import closed_port
from tests.live.harness.gateway import Gateway, eventually, head, request, running_gateway
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import OK, scripted_upstream
from tests.live.harness.valkey import ValkeyServer, running_valkey

pytestmark = pytest.mark.anyio

UNAVAILABLE = "urn:brain-gateway:problem:limits-unavailable"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def valkey(tmp_path):
    with running_valkey(tmp_path / "store") as server:
        yield server


@pytest.fixture
async def upstream():
    async with scripted_upstream() as service:
        yield service


def limited(upstream, requests: int, window: str, **policy) -> dict:
    """A service `crm` with this limit."""
    limit = {"requests": requests, "window": window}
    return configuration({"crm": service(upstream.url, limit=limit, **policy)})


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
            await eventually(lambda: gateway.log.count("listening on") == number, "all workers listen")
            started.append(gateway)
        yield started


class Load:
    """Clients that ask without a pause over connections that are kept; what they were answered, by kind."""

    def __init__(self, gateways: list[Gateway], clients: int = 8) -> None:
        self.answers: Counter[str] = Counter()
        self._head = head(request("GET", "/crm/x"))
        self._clients = [gateway for gateway in gateways for _ in range(clients)]
        self._tasks: list[asyncio.Task[None]] = []
        self._going = True

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._client(gateway)) for gateway in self._clients]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)

    async def _client(self, gateway: Gateway) -> None:
        client = await gateway.connect()
        while self._going:
            await client.send(self._head)
            answer = await client.response()
            kind = str(answer.status)
            if answer.status == 503:
                kind += " " + answer.json()["type"]
            self.answers[kind] += 1
            await asyncio.sleep(0.002)

    async def answered(self, kind: str, more: int = 1) -> None:
        """Wait for so many more answers of a kind."""
        wanted = self.answers[kind] + more
        await eventually(lambda: self.answers[kind] >= wanted, f"{more} more answers of {kind}")


def timed(times: list[float]) -> Callable[..., Awaitable[None]]:
    """A script that writes down when each request came."""

    async def script(arrival) -> None:
        times.append(time.monotonic())
        await arrival.answer(OK)

    return script


async def test_eight_processes_admit_no_more_than_the_limit(upstream, valkey, tmp_path):
    """All at once, and for as long as it is full."""
    config = limited(upstream, 150, "10m")
    async with gateways(tmp_path, config, 4, 4, REDIS_URL=valkey.url) as both:
        async with Load(both) as load:
            await load.answered("429", 1500)
        assert set(load.answers) == {"200", "429"}
        assert load.answers["200"] <= 150
        assert len(upstream.arrivals) <= 150
        assert load.answers["200"] >= 120, "near the limit little is left unused"


async def test_no_window_holds_more_while_it_slides(upstream, valkey, tmp_path):
    times: list[float] = []
    upstream.reset(timed(times))
    window, requests = 1.5, 120
    async with gateways(tmp_path, limited(upstream, requests, "1500ms"), 4, 4, REDIS_URL=valkey.url) as both:
        async with Load(both) as load:
            await load.answered("200", 3 * requests)
        assert set(load.answers) <= {"200", "429"}
    span = window - 0.1  # they are counted where they arrive, a moment after they were admitted
    for at, first in enumerate(times):
        assert sum(came < first + span for came in times[at:]) <= requests


async def test_one_tenant_can_use_nearly_all_of_it_from_one_place(upstream, valkey, tmp_path):
    """The tokens go where the requests are."""
    async with gateways(tmp_path, limited(upstream, 40, "10m"), 4, 1, REDIS_URL=valkey.url) as both:
        client = await both[0].connect()
        statuses = []
        for _ in range(45):
            await client.send(head(request("GET", "/crm/x")))
            statuses.append((await client.response()).status)
        assert 36 <= statuses.count(200) <= 40
        assert statuses[-1] == 429
