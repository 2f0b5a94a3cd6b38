"""Services that are found by DNS, with a name server that changes its mind and dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from collections import Counter
from typing import Any

import pytest

from tests.builders.raw_server import certificate, closed_port
from tests.live.harness.dns_server import dns_server
from tests.live.harness.gateway import eventually, head, request, running_gateway
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import Upstream, says, scripted_upstream

pytestmark = pytest.mark.anyio
NAME = "crm.test"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def names():
    async with dns_server() as server:
        server.ttl = 0
        yield server


@contextlib.asynccontextmanager
async def instances(count: int, **options: Any):
    """Upstreams on one port of 127.0.0.2, 127.0.0.3 and so on, each of which answers with its address."""
    port = closed_port()
    async with contextlib.AsyncExitStack() as stack:
        made: dict[str, Upstream] = {}
        for number in range(count):
            address = f"127.0.0.{number + 2}"
            made[address] = await stack.enter_async_context(
                scripted_upstream(host=address, port=port, **options)
            )
            made[address].script = says(
                f"HTTP/1.1 200 OK\r\nContent-Length: {len(address)}\r\n\r\n{address}".encode()
            )
        yield port, made


def found_by(discovery: dict, **policy: Any) -> dict:
    """A service without targets of its own, whose breaker opens as usual, asked for ten times a second."""
    found = {"min_interval": "100ms", **discovery}
    described = service(**{"breaker": {"failures": 5}, "discovery": found, **policy})
    del described["targets"]
    return configuration({"crm": described})


async def answered(gateway, times: int = 8) -> Counter:
    """Who answers; anything but a 200 is told by its status."""
    replies = [await gateway.get("/crm/x") for _ in range(times)]
    return Counter(
        reply.body.decode() if reply.status == 200 else f"{reply.status} {reply.body.decode()}"
        for reply in replies
    )


class Traffic:
    """Requests one after the other over `clients` connections, until it is left; `failed` has what was no 200."""

    def __init__(self, gateway, clients: int = 4):
        self._gateway = gateway
        self._clients = clients
        self.seen: Counter = Counter()
        self.failed: list[str] = []
        self._stop = False

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._run()) for _ in range(self._clients)]
        return self

    async def __aexit__(self, *_):
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _run(self):
        client = await self._gateway.connect()
        while not self._stop:
            await client.send(head(request("GET", "/crm/x")))
            reply = await client.response()
            if reply.status == 200:
                self.seen[reply.body.decode()] += 1
            else:
                self.failed.append(f"{reply.status} {reply.body.decode()}")
            await asyncio.sleep(0.002)

    async def only(self, *addresses: str) -> None:
        """Wait until these answer, all of them, and no others."""

        async def settled() -> bool:
            self.seen.clear()
            await asyncio.sleep(0.1)
            return set(self.seen) == set(addresses)

        await eventually(settled, f"only {addresses} answer, not {set(self.seen)}; failed: {self.failed[:3]}")


async def test_traffic_follows_the_records_and_outlives_the_name_server(names, tmp_path):
    names.set(NAME, "A", "127.0.0.2")
    async with instances(3) as (port, made):
        config = found_by({"name": NAME, "port": port})
        async with (
            running_gateway(tmp_path, config, DNS_RESOLVER=names.address) as gateway,
            Traffic(gateway) as traffic,
        ):
            await traffic.only("127.0.0.2")
            names.set(NAME, "A", "127.0.0.2", "127.0.0.3", "127.0.0.4")
            await traffic.only("127.0.0.2", "127.0.0.3", "127.0.0.4")
            names.set(NAME, "A", "127.0.0.4", "127.0.0.3")
            await traffic.only("127.0.0.3", "127.0.0.4")
            names.forget(NAME)
            asked = len(names.asked)
            await eventually(lambda: len(names.asked) > asked + 1, "the name is asked for again")
            names.silent = True
            asked = len(names.asked)
            await eventually(lambda: len(names.asked) > asked + 1, "the name is asked for again")
            await traffic.only("127.0.0.3", "127.0.0.4")
            names.silent = False
            names.set(NAME, "A", "127.0.0.2")
            await traffic.only("127.0.0.2")
            assert traffic.failed == []
            assert "TargetsDiscovered" in gateway.log
    hosts = {arrival.get("host") for one in made.values() for arrival in one.arrivals}
    assert hosts == {f"{NAME}:{port}"}


async def test_srv_records_tell_ports_priorities_and_weights(names, tmp_path):
    async with scripted_upstream() as heavy, scripted_upstream() as light, scripted_upstream() as spare:
        records = [(1, 3, heavy), (1, 1, light), (2, 9, spare)]
        lines = [f"{rank} {weight} {one.port} host-{one.port}.test." for rank, weight, one in records]
        names.set("_http._tcp.crm.test", "SRV", *lines)
        for _, _, one in records:
            names.set(f"host-{one.port}.test", "A", "127.0.0.1")
        config = found_by({"name": "_http._tcp.crm.test", "record": "SRV"})
        async with running_gateway(tmp_path, config, DNS_RESOLVER=names.address) as gateway:
            await answered(gateway, 40)
            assert [len(one.arrivals) for one in (heavy, light, spare)] == [30, 10, 0]
            assert heavy.arrivals[0].get("host") == f"crm.test:{heavy.port}"
            names.set("_http._tcp.crm.test", "SRV", lines[2])
            await eventually(lambda: _reaches(gateway, spare), "the other priority is used")
            names.set("_http._tcp.crm.test", "SRV", "0 0 0 .")
            await eventually(lambda: _answers(gateway, 503), "there is no such service any more")


async def _reaches(gateway, upstream) -> bool:
    await gateway.get("/crm/x")
    return bool(upstream.arrivals)


async def _answers(gateway, status: int) -> bool:
    return (await gateway.get("/crm/x")).status == status


async def test_tls_is_verified_against_the_name_by_traffic_and_by_probes(names, tmp_path):
    names.set(NAME, "A", "127.0.0.2")
    names.set("other.test", "A", "127.0.0.2")
    pem = certificate(tmp_path, NAME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    async with instances(1, tls=context) as (port, made):
        probe = {"type": "http", "path": "/up", "interval": "100ms"}
        named = {"port": port, "scheme": "https"}
        config = found_by({"name": NAME, **named}, probe=probe)
        config["services"]["other"] = {"discovery": {"name": "other.test", **named}, "probe": probe}
        async with running_gateway(
            tmp_path, config, DNS_RESOLVER=names.address, SSL_CERT_FILE=str(pem)
        ) as gateway:
            assert set(await answered(gateway)) == {"127.0.0.2"}
            assert (await gateway.get("/other/x")).status in (502, 503)

            async def told() -> bool:
                services = (await gateway.get("/health", "")).json()["services"]
                return {name: one["status"] for name, one in services.items()} == {
                    "crm": "healthy",
                    "other": "down",
                }

            await eventually(told, "the probes find the same")
    assert {arrival.get("host") for arrival in made["127.0.0.2"].arrivals} == {f"{NAME}:{port}"}


async def test_the_host_template_is_looked_up_unless_that_is_turned_off(names, tmp_path):
    names.set(NAME, "A", "127.0.0.2")
    async with instances(1) as (port, _):
        config = configuration({"crm": {"port": port, "probe": {"type": "none"}}})
        config["host_template"] = "http://{name}.test:{port}"
        for switch, expected in (("true", 200), ("false", 503)):
            async with running_gateway(
                tmp_path / switch, config, DNS_RESOLVER=names.address, AUTO_DISCOVERY=switch
            ) as gateway:
                assert (await gateway.get("/crm/x")).status == expected
    assert set(names.asked) == {(NAME, "A")}


async def test_a_service_that_moved_is_looked_for_before_its_time(names, tmp_path):
    names.ttl = 3600
    names.set(NAME, "A", "127.0.0.9")
    async with instances(1) as (port, _):
        config = found_by(
            {"name": NAME, "port": port, "max_interval": "1h"},
            retry={"attempts": 1},
            breaker={"failures": 2, "reset_timeout": "50ms"},
        )
        async with running_gateway(tmp_path, config, DNS_RESOLVER=names.address) as gateway:
            assert set(await answered(gateway, 1)) != {"127.0.0.2"}
            names.set(NAME, "A", "127.0.0.2")
            await eventually(lambda: _answers(gateway, 200), "the breaker makes it ask")


async def test_a_name_that_comes_late_and_a_reload_that_keeps_what_was_found(names, tmp_path):
    async with instances(1) as (port, _):
        config = found_by({"name": NAME, "port": port})
        async with running_gateway(tmp_path, config, DNS_RESOLVER=names.address) as gateway:
            assert (await gateway.get("/crm/x")).status == 503
            names.set(NAME, "A", "127.0.0.2")
            await eventually(lambda: _answers(gateway, 200), "the name is there")
            names.silent = True
            config["services"]["crm"]["prefix"] = "/v2"
            gateway.configure(config)
            gateway.signal(signal.SIGHUP)
            await eventually(lambda: "configuration reloaded" in gateway.log, "the reload")
            assert set(await answered(gateway)) == {"127.0.0.2"}
