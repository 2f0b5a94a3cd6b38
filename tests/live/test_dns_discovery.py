"""Questions to a real name server: what is asked, what of the answers counts, and how failures look."""

from __future__ import annotations

import pytest

from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered
from brain_gateway.domain.routing.discovery import Instance, Lookup
from brain_gateway.infrastructure.discovery import questions
from brain_gateway.infrastructure.discovery.dns import DnsDiscovery
from tests.builders.raw_server import closed_port
from tests.live.harness.dns_server import dns_server

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": flag}) for flag in (False, True)], ids=["asyncio", "uvloop"]
)
def anyio_backend(request):
    return request.param


@pytest.fixture
def impatient():
    """Silence is not waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "LONGEST", 0.3)
        yield patch


@pytest.fixture
async def names():
    async with dns_server() as server:
        yield server


async def found(names, name: str, record: str = "auto") -> list[str]:
    answer = await DnsDiscovery(names.address).resolve(Lookup(name, record=record))
    assert isinstance(answer, Discovered), answer
    return sorted(one.address for one in answer.instances)


async def test_each_record_is_asked_for_as_it_is_wanted(names):
    names.set("crm.test", "A", "10.0.0.1")
    names.set("crm.test", "AAAA", "fd00::1")
    names.set("six.test", "AAAA", "fd00::6")
    assert await found(names, "crm.test") == ["10.0.0.1"]
    assert await found(names, "crm.test", "AAAA") == ["fd00::1"]
    assert await found(names, "six.test") == ["fd00::6"]
    assert names.asked == [("crm.test", "A"), ("crm.test", "AAAA"), ("six.test", "A"), ("six.test", "AAAA")]


async def test_aliases_are_followed(names):
    names.set("www.test", "CNAME", "crm.test.")
    names.set("crm.test", "A", "10.0.0.1", "10.0.0.2")
    assert await found(names, "www.test") == ["10.0.0.1", "10.0.0.2"]


async def test_an_answer_that_is_too_long_for_a_datagram_comes_by_tcp(names):
    addresses = [f"10.1.{n // 200}.{n % 200}" for n in range(200)]
    names.set("crm.test", "A", *addresses)
    assert await found(names, "crm.test") == sorted(addresses)
    assert names.by_tcp == 1


async def test_there_is_an_end_to_how_many_instances_are_taken(names):
    names.set("crm.test", "A", *(f"10.1.{n // 200}.{n % 200}" for n in range(1000)))
    assert len(await found(names, "crm.test")) == 256


async def test_hosts_of_srv_records_that_came_along_are_not_asked_for(names):
    names.ttl = 9
    names.set("_http._tcp.crm.test", "SRV", "0 0 8001 A.test.", "0 0 8002 b.test.")
    for at, host in enumerate(("a.test", "b.test"), 1):
        names.set(host, "A", f"10.0.0.{at}")
    names.along = [("a.test", "A")]
    answer = await DnsDiscovery(names.address).resolve(Lookup("_http._tcp.crm.test", record="SRV"))
    assert isinstance(answer, Discovered)
    assert set(answer.instances) == {Instance("10.0.0.1", 8001), Instance("10.0.0.2", 8002)}
    assert answer.valid_for == 9.0
    assert names.asked == [("_http._tcp.crm.test", "SRV"), ("b.test", "A")]


@pytest.mark.parametrize(("prepare", "denied"), [("other", True), ("none", True), ("broken", False)])
async def test_answers_that_name_nothing(names, prepare, denied):
    if prepare == "other":
        names.set("crm.test", "TXT", '"x"')
    names.broken = prepare == "broken"
    answer = await DnsDiscovery(names.address).resolve(Lookup("crm.test"))
    assert isinstance(answer, NotDiscovered)
    assert answer.denied is denied
    assert names.address not in answer.detail


async def test_a_server_that_comes_back_is_asked_by_the_same_discovery(names, impatient):
    directory, lookup = DnsDiscovery(names.address), Lookup("crm.test")
    names.set("crm.test", "A", "10.0.0.1")
    names.silent = True
    assert isinstance(await directory.resolve(lookup), NotDiscovered)
    names.silent = False
    impatient.undo()
    assert isinstance(await directory.resolve(lookup), Discovered)


async def test_nobody_at_the_servers_address(impatient):
    answer = await DnsDiscovery(f"127.0.0.1:{closed_port()}").resolve(Lookup("crm.test"))
    assert isinstance(answer, NotDiscovered)
    assert not answer.denied


async def test_this_machine_is_found_without_any_server():
    answer = await DnsDiscovery(f"127.0.0.1:{closed_port()}").resolve(Lookup("localhost"))
    assert isinstance(answer, Discovered)
    assert answer.instances == (Instance("127.0.0.1"),)


async def test_search_lists_and_servers_of_resolv_conf(names, tmp_path, monkeypatch):
    import dns.asyncresolver

    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\nsearch ns.svc.test svc.test\noptions ndots:2\n")

    class FromFile(dns.asyncresolver.Resolver):
        def __init__(self, configure: bool) -> None:
            super().__init__(str(file), configure)
            self.port = names.port

    monkeypatch.setattr(dns.asyncresolver, "Resolver", FromFile)
    names.set("crm.svc.test", "A", "10.0.0.1")
    directory = DnsDiscovery()
    assert await directory.resolve(Lookup("crm")) == Discovered((Instance("10.0.0.1"),), 1.0)
    assert [name for name, _ in names.asked] == ["crm.ns.svc.test", "crm.svc.test"]
    names.asked.clear()
    await directory.resolve(Lookup("crm.svc.test."))
    assert [name for name, _ in names.asked] == ["crm.svc.test"]
