"""Signals: SIGTERM drains, SIGHUP reloads under traffic, a worker that is killed is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from tests.builders.raw_server import closed_port
from tests.live.harness.credentials import API_KEY, API_KEY_HASH, TENANT, token
from tests.live.harness.gateway import eventually, head, request, running_gateway
from tests.live.harness.rig import configuration, running_rig, service
from tests.live.harness.upstream import OK, says, scripted_upstream
from tests.live.harness.wire import open_connection
from tests.live.harness.workers import taken

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as service:
        yield service


@pytest.fixture(autouse=True)
def quiet(upstream):
    upstream.reset()


def offering(upstream, **prefixes: str) -> dict:
    """A configuration of services that differ by their prefixes."""
    services = {name: service(upstream.url, prefix=prefix) for name, prefix in prefixes.items()}
    return configuration(services)


async def is_refused(port: int) -> bool:
    """Whether nobody takes new connections."""
    try:
        client = await open_connection(port)
    except (ConnectionRefusedError, ConnectionResetError):  # reset: the port closed before it was taken
        return True
    client.close()
    return False


# SIGTERM


@pytest.mark.parametrize(
    ("entry", "number"),
    [("protocol", signal.SIGTERM), ("protocol", signal.SIGINT), ("asgi", signal.SIGTERM)],
)
async def test_requests_in_flight_are_finished(tmp_path, entry, number):
    """A waiting one, one whose answer is coming, one whose body is coming; then the process ends well."""
    go_on = asyncio.Event()

    async def waits(arrival):
        if arrival.target == "/halfway":
            await arrival.peer.send(OK[:-1])
            await go_on.wait()
            await arrival.peer.send(OK[-1:])
        else:
            await arrival.read_body()
            await go_on.wait()
            await arrival.peer.send(OK)

    async with running_rig(tmp_path, {"crm": {}}, entry=entry) as rig:
        rig.upstream.reset(waits)
        idle = await rig.gateway.connect()
        clients = [await rig.gateway.connect() for _ in range(3)]
        await clients[0].send(head(request("GET", "/crm/waiting")))
        await clients[1].send(head(request("GET", "/crm/halfway")))
        await clients[2].send(head(request("POST", "/crm/uploading", None, "Content-Length: 4")) + b"ab")
        await rig.upstream.arrival(3)
        rig.gateway.signal(number)
        await eventually(lambda: is_refused(rig.gateway.port), "new connections are refused")
        assert await idle.ended(), "idle connections are closed"
        await clients[2].send(b"cd")
        go_on.set()
        for client in clients:
            answer = await client.response()
            assert (answer.status, answer.body) == (200, b"ok")
            assert await client.ended()
            client.close()
        idle.close()
        assert await rig.gateway.exited() == 0
        assert rig.upstream.arrivals[-1].body in (b"abcd", b"")


async def test_a_request_that_has_begun_to_come_is_finished(tmp_path):
    """Its head is half there when the signal comes."""
    async with running_rig(tmp_path, {"crm": {}}) as rig:
        client = await rig.gateway.connect()
        data = head(request("GET", "/crm/x"))
        await client.send(data[:20])
        await taken(rig.gateway, client)
        rig.gateway.signal(signal.SIGTERM)
        await eventually(lambda: is_refused(rig.gateway.port), "new connections are refused")
        await client.send(data[20:])
        answer = await client.response()
        assert (answer.status, answer.get("connection")) == (200, "close")
        client.close()
        assert await rig.gateway.exited() == 0


async def test_readiness_falls_before_the_doors_close(tmp_path):
    """DRAIN_DELAY: load balancers see it and stop sending, while whatever comes is still served."""
    async with running_rig(tmp_path, {"crm": {}}, DRAIN_DELAY="2.5") as rig:
        assert (await rig.gateway.get("/health/ready", "")).status == 200
        idle = await rig.gateway.connect()
        rig.gateway.signal(signal.SIGTERM)
        await eventually(lambda: '"draining"' in rig.gateway.log, "the signal is noticed")
        ready = await rig.gateway.get("/health/ready", "")
        assert (ready.status, ready.json()) == (503, {"status": "draining"})
        assert (await rig.gateway.get("/health/live", "")).status == 200
        await idle.send(head(request("GET", "/crm/x")))
        for answer in (await rig.gateway.get("/crm/x"), await idle.response()):
            assert (answer.status, answer.get("connection")) == (200, "close")
        await eventually(lambda: is_refused(rig.gateway.port), "the doors close")
        assert await rig.gateway.exited() == 0


async def test_what_never_ends_is_cut_off(tmp_path):
    """A service that hangs, a client that never reads, a client that never sends: DRAIN_TIMEOUT bounds them all."""

    async def hangs(arrival):
        if arrival.target == "/pours":
            await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            with contextlib.suppress(OSError):
                while not arrival.left:
                    await arrival.peer.send(bytes(65536))
        await arrival.peer.rest()

    async with running_rig(tmp_path, {"crm": {}}, DRAIN_TIMEOUT="1", faults=True) as rig:
        rig.upstream.reset(hangs)
        clients = [await rig.gateway.connect(receive_buffer=8192) for _ in range(3)]
        await clients[0].send(head(request("GET", "/crm/hangs")))
        clients[1].writer.transport.pause_reading()
        await clients[1].send(head(request("GET", "/crm/pours")))
        await clients[2].send(head(request("POST", "/crm/x", None, "Content-Length: 9")) + b"a")
        await rig.upstream.arrival(3)
        rig.gateway.signal(signal.SIGTERM)
        assert await rig.gateway.exited(20) == 0
        for client in clients:
            client.reset()


# SIGHUP


async def test_reloading_under_traffic_fails_no_request(upstream, tmp_path):
    """Old connections and new ones, with and without bodies; each request is answered by the old table or the new."""
    async with running_gateway(tmp_path, offering(upstream, crm="/old")) as gateway:
        stop, served = asyncio.Event(), 0

        async def traffic(number: int) -> None:
            nonlocal served
            client = await gateway.connect()
            while not stop.is_set():
                if number % 2:
                    client.close()
                    client = await gateway.connect()
                await client.send(head(request("POST", "/crm/x", None, "Content-Length: 5")) + b"hello")
                answer = await client.response()
                assert (answer.status, answer.body) == (200, b"ok")
                served += 1
            client.close()

        tasks = [asyncio.create_task(traffic(number)) for number in range(8)]
        for turn in range(12):
            await eventually(lambda turn=turn: served > 10 * turn, "requests are served meanwhile")
            gateway.configure(offering(upstream, crm=("/new", "/old")[turn % 2], shop="/shop"))
            gateway.signal(signal.SIGHUP)
            await eventually(
                lambda turn=turn: gateway.log.count("configuration reloaded") > turn, "the file is read anew"
            )
        stop.set()
        await asyncio.gather(*tasks)
    assert served > 100
    targets = {arrival.target for arrival in upstream.arrivals}
    assert targets == {"/old/x", "/new/x"}


async def test_what_a_reload_changes(upstream, tmp_path):
    async with running_gateway(tmp_path, offering(upstream, crm="/crm", shop="/shop")) as gateway:
        client = await gateway.connect()
        changed = offering(upstream, crm="/v2", cms="/cms")
        changed["services"]["crm"]["roles"] = ["manager"]

        async def statuses() -> list[int]:
            found = []
            for path in ("/crm/x", "/shop/x", "/cms/x"):
                await client.send(head(request("GET", path)))
                found.append((await client.response()).status)
            return found

        assert await statuses() == [200, 200, 404]
        gateway.configure(changed)
        gateway.signal(signal.SIGHUP)
        await eventually(lambda: "configuration reloaded" in gateway.log, "the file is read anew")
        assert await statuses() == [403, 404, 200]
        client.close()


async def test_a_request_keeps_the_table_that_it_began_with(upstream, tmp_path):
    """Its service is taken out while it is under way."""
    go_on = asyncio.Event()

    async def waits(arrival):
        await go_on.wait()
        await arrival.answer()

    upstream.reset(waits)
    async with running_gateway(tmp_path, offering(upstream, crm="/crm", shop="/shop")) as gateway:
        client = await gateway.connect()
        await client.send(head(request("GET", "/crm/x")))
        await upstream.arrival()
        gateway.configure(offering(upstream, shop="/shop"))
        gateway.signal(signal.SIGHUP)
        await eventually(lambda: "configuration reloaded" in gateway.log, "the file is read anew")
        go_on.set()
        assert (await client.response()).status == 200
        await client.send(head(request("GET", "/crm/x")))
        assert (await client.response()).status == 404
        client.close()


async def test_connections_to_a_service_that_is_taken_out_are_closed(upstream, tmp_path):
    async with running_gateway(tmp_path, offering(upstream, crm="/crm", shop="/shop")) as gateway:
        assert (await gateway.get("/crm/x")).status == 200
        idle = upstream.arrivals[0]
        assert not idle.left
        gateway.configure(offering(upstream, shop="/shop"))
        gateway.signal(signal.SIGHUP)
        await eventually(lambda: idle.left, "the pool is closed")


async def test_a_reload_forgets_no_limit_and_no_open_circuit(upstream, tmp_path):
    config = offering(upstream, crm="/crm", shop="/shop")
    config["services"]["crm"]["limit"] = {"requests": 1, "window": 600}
    config["services"]["shop"]["breaker"] = {"failures": 1, "reset_timeout": 600}
    config["services"]["shop"]["retry"] = {"attempts": 1}
    async with running_gateway(tmp_path, config) as gateway:
        assert (await gateway.get("/crm/x")).status == 200
        upstream.reset(says(b"garbage\r\n\r\n"))
        assert (await gateway.get("/shop/x")).status == 502
        config["services"]["cms"] = service(upstream.url)
        gateway.configure(config)
        gateway.signal(signal.SIGHUP)
        await eventually(lambda: "configuration reloaded" in gateway.log, "the file is read anew")
        assert (await gateway.get("/crm/x")).status == 429
        assert (await gateway.get("/shop/x")).json()["title"] == "Circuit open"


async def test_keys_that_come_and_go(upstream, tmp_path):
    """On one connection that stays open."""
    without = offering(upstream, crm="/crm")
    key = {"hash": API_KEY_HASH, "user": "robot", "roles": ["client"]}
    with_key = {**without, "tenants": {TENANT: {"name": "Demo", "api_keys": [key]}}}
    async with running_gateway(tmp_path, with_key) as gateway:
        client = await gateway.connect()
        for turn, (config, status) in enumerate(((with_key, 200), (without, 401), (with_key, 200))):
            gateway.configure(config)
            gateway.signal(signal.SIGHUP)
            await eventually(
                lambda turn=turn: gateway.log.count("configuration reloaded") > turn, "the file is read anew"
            )
            for _ in range(2):
                await client.send(head(request("GET", "/crm/x", f"X-API-Key: {API_KEY}")))
                assert (await client.response()).status == status


async def test_a_wrong_file_changes_nothing(upstream, tmp_path):
    async with running_gateway(tmp_path, offering(upstream, crm="/crm"), faults=True) as gateway:
        for text in ("services: {crm: {nonsense: 1}}", "services: [", ""):
            refusals = gateway.log.count("reload refused")
            reloads = gateway.log.count("configuration reloaded")
            gateway.config.write_text(text)
            gateway.signal(signal.SIGHUP)
            if text:
                await eventually(
                    lambda before=refusals: gateway.log.count("reload refused") > before, "it is told"
                )
                assert (await gateway.get("/crm/x")).status == 200
            else:
                await eventually(
                    lambda before=reloads: gateway.log.count("configuration reloaded") > before,
                    "an empty file is the packaged services",
                )
                assert (await gateway.get("/crm/x")).status == 404


async def test_the_last_of_many_signals_counts(upstream, tmp_path):
    """A file that is written while the one before is read is read, too."""
    async with running_gateway(tmp_path, offering(upstream, crm="/0")) as gateway:
        for turn in range(1, 31):
            beside = tmp_path / "beside.yaml"
            gateway.configure(offering(upstream, crm=f"/{turn}"), beside)
            beside.replace(gateway.config)
            gateway.signal(signal.SIGHUP)
            await asyncio.sleep(0.002)

        async def is_last() -> bool:
            upstream.reset()
            await gateway.get("/crm/x")
            return upstream.arrivals[0].target == "/30/x"

        await eventually(is_last, "the last file counts")


# Workers


def is_running(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


@contextlib.asynccontextmanager
async def two_workers(folder: Path, config: dict, **variables: str):
    """A gateway of two processes; both take connections."""
    port = closed_port()
    async with running_gateway(folder, config, workers=2, port=port, faults=True, **variables) as gateway:
        await eventually(lambda: gateway.log.count("listening on") == 2, "both workers listen")
        yield gateway


async def test_a_worker_that_is_killed_is_replaced(upstream, tmp_path):
    async with two_workers(tmp_path, offering(upstream, crm="/crm")) as gateway:
        before = gateway.workers()
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        await eventually(lambda: before[0] not in gateway.workers(), "it is gone, and its connections are")
        for _ in range(30):
            assert (await gateway.get("/crm/x")).status == 200, "the other goes on"
        await eventually(lambda: len(set(gateway.workers()) - {before[0]}) == 2, "another takes its place")
        await eventually(lambda: gateway.log.count("listening on") == 3, "it listens")
        for _ in range(30):
            assert (await gateway.get("/crm/x")).status == 200
        gateway.signal(signal.SIGTERM)
        assert await gateway.exited() == 0
        assert not any(map(is_running, before)), "no worker is left behind"


async def test_every_worker_reloads(upstream, tmp_path):
    """Also one that takes the place of another afterwards."""
    async with two_workers(tmp_path, offering(upstream, crm="/old")) as gateway:
        gateway.configure(offering(upstream, crm="/new"))
        gateway.signal(signal.SIGHUP)
        await eventually(lambda: gateway.log.count("configuration reloaded") == 2, "both read the file anew")
        await all_say(gateway, upstream, "/new/x")
        os.kill(gateway.workers()[0], signal.SIGKILL)
        await eventually(lambda: gateway.log.count("listening on") == 3, "another takes its place")
        await all_say(gateway, upstream, "/new/x")


async def all_say(gateway, upstream, target: str) -> None:
    """Many connections, so that every worker is asked."""
    upstream.reset()
    for _ in range(40):
        assert (await gateway.get("/crm/x")).status == 200
    assert {arrival.target for arrival in upstream.arrivals} == {target}


async def test_two_workers_finish_what_is_in_flight(upstream, tmp_path):
    go_on = asyncio.Event()

    async def waits(arrival):
        await go_on.wait()
        await arrival.answer()

    upstream.reset(waits)
    async with two_workers(tmp_path, offering(upstream, crm="/crm")) as gateway:
        clients = [await gateway.connect() for _ in range(10)]
        for client in clients:
            await client.send(head(request("GET", "/crm/x")))
        await upstream.arrival(10)
        gateway.signal(signal.SIGTERM)
        await eventually(lambda: is_refused(gateway.port), "new connections are refused")
        go_on.set()
        assert {(await client.response()).status for client in clients} == {200}
        for client in clients:
            client.close()
        assert await gateway.exited() == 0


async def test_a_limit_holds_over_all_workers(upstream, tmp_path):
    config = offering(upstream, crm="/crm")
    config["services"]["crm"]["limit"] = {"requests": 10, "window": 600}
    async with two_workers(tmp_path, config) as gateway:
        answers = await asyncio.gather(*(gateway.get("/crm/x") for _ in range(100)))
        admitted = sum(answer.status == 200 for answer in answers)
        assert 1 <= admitted <= 10
        assert len(upstream.arrivals) == admitted


# Connections


async def test_a_token_ends_between_two_requests(upstream, tmp_path):
    """The fields are the same; the verdict is not, and nothing is told any more of who it was."""
    config = offering(upstream, crm="/crm")
    config["services"]["crm"]["routes"] = [{"path": "/public", "public": True}]
    async with running_gateway(tmp_path, config, JWT_LEEWAY="0") as gateway:
        client = await gateway.connect()
        line = f"Authorization: Bearer {token(lifetime=2.5)}"

        async def ask(path: str):
            await client.send(head(request("GET", path, line)))
            return await client.response()

        for path in ("/crm/x", "/crm/public"):
            assert (await ask(path)).status == 200
        await asyncio.sleep(2.6)
        assert (await ask("/crm/public")).status == 200
        answer = await ask("/crm/x")
        assert answer.json()["type"] == "urn:brain-gateway:problem:credentials-expired"
    users = [arrival.get("x-user-id") for arrival in upstream.arrivals]
    assert users == ["user-1", "user-1", ""]


async def test_the_greatest_number_of_connections(upstream, tmp_path):
    async with running_gateway(tmp_path, offering(upstream, crm="/crm"), MAX_CONNECTIONS="2") as gateway:
        first, second = await gateway.connect(), await gateway.connect()
        for client in (first, second):
            await client.send(head(request("GET", "/crm/x")))
            assert (await client.response()).status == 200
        third = await gateway.connect()
        with contextlib.suppress(OSError):
            await third.send(head(request("GET", "/crm/x")))
        assert await third.ended()
        first.close()

        async def is_served() -> bool:
            with contextlib.suppress(OSError, EOFError):
                return (await gateway.get("/crm/x")).status == 200
            return False

        await eventually(is_served, "a place is free again")
