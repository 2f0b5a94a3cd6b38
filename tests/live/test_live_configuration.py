"""Changes under traffic: every worker follows, no request fails, and who is killed meanwhile agrees afterwards."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders.raw_server import closed_port
from tests.live.harness.admin import Admin, Traffic
from tests.live.harness.credentials import OTHER_TENANT, TENANT, bearer
from tests.live.harness.gateway import Gateway, eventually, head, request, running_gateway
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import Arrival, scripted_upstream
from tests.live.harness.valkey import running_valkey
from tests.live.harness.wire import PATIENCE, Connection, Message
from tests.live.harness.workers import connection_to_each

pytestmark = pytest.mark.anyio

CHANGES = int(os.environ.get("BRAIN_GATEWAY_TEST_CHANGES", "120"))
ACCESS = {"BRAIN_GATEWAY_ACCESS_LOG": "false"}
Seen = Callable[[Message], bool]
Change = Callable[[int], Coroutine[Any, Any, tuple[str, Seen]]]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


def named(name: str):
    """A service that says which one it is, and for which path it was asked."""

    async def script(arrival: Arrival) -> None:
        body = f"{name} {arrival.target}".encode()
        await arrival.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    return script


async def switches(arrival: Arrival) -> None:
    """A tunnel that stays open."""
    await arrival.answer(SWITCHED)
    await arrival.peer.rest()


@asynccontextmanager
async def two_upstreams():
    async with scripted_upstream() as one, scripted_upstream() as other:
        one.script, other.script = named("one"), named("other")
        yield one, other


def offered(one, other) -> dict[str, Any]:
    return configuration(
        {
            "steady": service(one.url),
            "moving": service(one.url),
            "weighed": service(one.url, other.url),
            "routed": service(one.url, strict=True, routes=[{"path": "/always"}]),
            "limited": service(one.url),
        }
    )


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
STEADY = ("/steady/x", "/moving/x", "/weighed/x", "/routed/always", "/limited/x")


@asynccontextmanager
async def offering(folder: Path, workers: int, **options: Any):
    """Workers on one port in front of two upstreams; the gateway and these."""
    async with (
        two_upstreams() as (one, other),
        running_gateway(
            folder, offered(one, other), workers=workers, port=closed_port(), **ACCESS, **options
        ) as gateway,
    ):
        yield gateway, one, other


class Operator:
    """Makes changes of every kind, each with something by which a worker shows that it knows."""

    def __init__(self, admin: Admin, urls: tuple[str, str]) -> None:
        self._admin = admin
        self._urls = urls
        self._extra: dict[str, str] = {}
        self.kinds: tuple[Change, ...] = (
            self.move,
            self.add,
            self.weigh,
            self.route,
            self.limit,
            self.remove,
        )

    async def change(self, number: int) -> tuple[str, Seen]:
        """The n-th change; a path to ask for, and what its answer must be."""
        return await self.kinds[number % len(self.kinds)](number)

    async def move(self, number: int) -> tuple[str, Seen]:
        """The service goes to another upstream, and below another prefix."""
        at = number // len(self.kinds) % 2
        await self._admin.do(
            "PATCH", "/services/name:moving", {"targets": [self._urls[at]], "prefix": f"/v{number}"}
        )
        wanted = f"{('one', 'other')[at]} /v{number}/x".encode()
        return "/moving/x", lambda answer: answer.body == wanted

    async def weigh(self, number: int) -> tuple[str, Seen]:
        """All of the traffic to one of two targets."""
        at = number // len(self.kinds) % 2
        targets = [{"url": url, "weight": int(place == at)} for place, url in enumerate(self._urls)]
        await self._admin.do("PATCH", "/services/name:weighed", {"targets": targets, "prefix": f"/w{number}"})
        wanted = f"{('one', 'other')[at]} /w{number}/x".encode()
        return "/weighed/x", lambda answer: answer.body == wanted

    async def route(self, number: int) -> tuple[str, Seen]:
        """One more route, in place of the last one."""
        routes = [{"path": "/always"}, {"path": f"/only-{number}"}]
        await self._admin.do("PATCH", "/services/name:routed", {"routes": routes})
        return f"/routed/only-{number}", lambda answer: answer.status == 200

    async def limit(self, number: int) -> tuple[str, Seen]:
        """Another limit; the prefix shows that it is there."""
        limit = {"requests": 1_000_000 + number, "window": 60}
        await self._admin.do("PATCH", "/services/name:limited", {"limit": limit, "prefix": f"/l{number}"})
        wanted = f"one /l{number}/x".encode()
        return "/limited/x", lambda answer: answer.body == wanted

    async def add(self, number: int) -> tuple[str, Seen]:
        """A new service."""
        name = f"extra-{number}"
        made = await self._admin.do("POST", "/services", {"name": name, **service(self._urls[0])})
        self._extra[name] = made["id"]
        return f"/{name}/x", lambda answer: answer.status == 200

    async def remove(self, number: int) -> tuple[str, Seen]:
        """And gone again."""
        name, id_ = self._extra.popitem()
        await self._admin.do("DELETE", f"/services/{id_}")
        return f"/{name}/x", lambda answer: answer.status == 404


async def seen(client: Connection, path: str, wanted: Seen, since: float, line: str | None = None) -> float:
    """Ask until the change shows; seconds since it was answered."""
    text = head(request("GET", path, line))
    while True:
        await client.send(text)
        answer = await client.response()
        if wanted(answer):
            return time.monotonic() - since
        assert time.monotonic() - since < PATIENCE, f"{path}: {answer.status} {answer.body!r}"
        await asyncio.sleep(0.001)


def told(what: str, times: list[float]) -> None:
    """Figures for who reads them (pytest -s, or the report of a failure); nothing is asserted about them."""
    ordered = sorted(times)
    places = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    figures = (f"{name} {ordered[int((len(ordered) - 1) * at)] * 1000:.1f} ms" for name, at in places.items())
    print(f"{what}: {', '.join(figures)} over {len(ordered)}")


async def test_changes_under_traffic(tmp_path):
    """Four workers, each asked over a connection of its own; all kinds of changes; not one request fails."""
    async with offering(tmp_path, 4) as (gateway, one, other):
        asking = await connection_to_each(gateway, 4)
        busy = await connection_to_each(gateway, 4)
        first, *_ = asking
        operator = Operator(
            Admin(gateway, (await connection_to_each(gateway, 4))[first]), (one.url, other.url)
        )
        here, everywhere, made = [], [], []
        async with Traffic(STEADY).over(list(busy.values())) as traffic:
            for number in range(CHANGES):
                began = time.monotonic()
                path, wanted = await operator.change(number)
                answered = time.monotonic()
                made.append(answered - began)
                waits = {pid: seen(client, path, wanted, answered) for pid, client in asking.items()}
                found = dict(zip(waits, await asyncio.gather(*waits.values()), strict=True))
                here.append(found.pop(first) + answered - began)
                everywhere += found.values()
        assert traffic.failures == []
        assert traffic.count > CHANGES
        told("changes", made)
        told("from the request to this worker", here)
        told("from the answer to the other workers", everywhere)


async def test_two_gateways_on_one_database(tmp_path, postgres):
    """PostgreSQL and Valkey between them: both make changes, both follow the other's, no request fails."""
    server, database = postgres.server, postgres.database()
    with running_valkey(tmp_path / "valkey") as valkey:
        shared = {"DATABASE_URL": server.url(database), "REDIS_URL": valkey.url, **ACCESS}
        async with (
            two_upstreams() as (one, other),
            running_gateway(tmp_path / "a", offered(one, other), **shared) as left,
            running_gateway(tmp_path / "b", offered(one, other), **shared) as right,
        ):
            gateways = (left, right)
            operators = [Operator(Admin(gateway), (one.url, other.url)) for gateway in gateways]
            asking = [await gateway.connect() for gateway in gateways]
            busy = [await gateway.connect() for gateway in gateways]
            times: list[float] = []
            async with Traffic(STEADY).over(busy) as traffic:
                for number in range(24):
                    at = number // 12  # a whole round of kinds by the one, then by the other
                    path, wanted = await operators[at].change(number)
                    answered = time.monotonic()
                    found = await asyncio.gather(*(seen(client, path, wanted, answered) for client in asking))
                    times.append(found[1 - at])
            assert traffic.failures == []
            told("from the answer to the other gateway", times)


async def test_many_operators_at_once(tmp_path):
    """Each changes services of its own over a worker of its own; in the end all workers agree on all of them."""
    async with offering(tmp_path, 4) as (gateway, one, _):
        names = [f"of-{at}" for at in range(4)]
        for name in names:
            await Admin(gateway).do("POST", "/services", {"name": name, **service(one.url)})
        clients = await connection_to_each(gateway, 4)

        async def operate(name: str, client: Connection) -> None:
            admin = Admin(gateway, client)
            for number in range(10):
                await admin.do("PATCH", f"/services/name:{name}", {"prefix": f"/p{number}"})

        async with Traffic([f"/{name}/x" for name in names]).over(
            list((await connection_to_each(gateway, 4)).values())
        ) as traffic:
            await asyncio.gather(*map(operate, names, clients.values()))
        assert traffic.failures == []
        await agree(gateway, {f"/{name}/x": b"one /p9/x" for name in names}, 4)


async def agree(gateway: Gateway, wanted: Mapping[str, bytes], workers: int) -> None:
    """Every worker comes to give these answers."""
    clients = await connection_to_each(gateway, workers)
    for (path, body), client in itertools.product(wanted.items(), clients.values()):
        await seen(client, path, lambda answer, body=body: answer.body == body, time.monotonic())


async def test_workers_that_are_killed_while_changes_are_made(tmp_path):
    """The survivors and the successors agree afterwards, on what was answered last or was under way."""
    async with offering(tmp_path, 4, faults=True) as (gateway, *_):
        done = asyncio.Event()
        admin = Admin(gateway)
        last = 0

        async def operate() -> None:
            """An operator who tries again what got no answer."""
            nonlocal last, admin
            for number in itertools.count(1):
                if done.is_set():
                    return
                last = number
                while True:
                    try:
                        await admin.do("PATCH", "/services/name:moving", {"prefix": f"/v{number}"})
                        break
                    except (EOFError, OSError):
                        admin = Admin(gateway)
                        await asyncio.sleep(0.05)

        task = asyncio.create_task(operate())
        for _ in range(2):
            await asyncio.sleep(0.2)
            victims = gateway.workers()[:2]
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            await eventually(
                lambda gone=victims: len(gateway.workers()) == 4 and not set(gone) & set(gateway.workers()),
                "successors are there",
            )
        done.set()
        await task
        await agree(gateway, {"/moving/x": f"one /v{last}/x".encode(), "/steady/x": b"one /x"}, 4)


async def test_a_key_that_is_revoked_is_refused_by_every_worker_and_its_tunnels_end(tmp_path):
    async with offering(tmp_path, 4) as (gateway, one, _):
        admin = Admin(gateway)
        made = await admin.do("POST", f"/keys?tenant={TENANT}", {"user": "robot", "roles": ["client"]})
        line = f"X-API-Key: {made['key']}"
        asking = await connection_to_each(gateway, 4)
        for client in asking.values():
            await seen(client, "/steady/x", lambda answer: answer.status == 200, time.monotonic(), line)
        one.script = switches
        tunnels = await connection_to_each(gateway, 4)
        for client in tunnels.values():
            await client.send(head(request("GET", "/steady/ws", line, *UPGRADE)))
            assert (await client.response()).status == 101
        await admin.do("DELETE", f"/keys/{made['id']}")
        since = time.monotonic()
        refused = [
            await seen(client, "/moving/x", lambda answer: answer.status == 401, since, line)
            for client in asking.values()
        ]
        told("from the answer to the refusal", refused)
        for client in tunnels.values():
            await client.rest()


async def test_a_tenant_that_is_deleted_while_its_request_is_in_flight(tmp_path):
    """The request is finished; the next one is refused, by every worker."""
    async with offering(tmp_path, 2) as (gateway, one, _):
        admin = Admin(gateway)
        await admin.do("POST", "/tenants", {"id": OTHER_TENANT, "name": "Leaving"})
        await admin.do("POST", "/services", {"name": "own", "tenant": OTHER_TENANT, **service(one.url)})
        line = bearer(tenant=OTHER_TENANT)
        going = asyncio.Event()

        async def slow(arrival: Arrival) -> None:
            await going.wait()
            await arrival.answer()

        asking = await connection_to_each(gateway, 2)
        for client in asking.values():
            await seen(client, "/own/x", lambda answer: answer.status == 200, time.monotonic(), line)
        one.reset(slow)
        for client in asking.values():
            await client.send(head(request("GET", "/own/x", line)))
        await one.arrival(2)
        await admin.do("DELETE", f"/tenants/{OTHER_TENANT}")
        others = await connection_to_each(gateway, 2)
        for client in others.values():
            await seen(client, "/moving/x", lambda answer: answer.status == 403, time.monotonic(), line)
        going.set()
        for client in asking.values():
            answer = await client.response()
            assert (answer.status, answer.body) == (200, b"ok")
        for client in asking.values():
            await client.send(head(request("GET", "/steady/x", line)))
            assert (await client.response()).status == 403
