"""What DnsDiscovery makes of answers; the questions themselves are in tests/live/test_dns_discovery.py."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered
from brain_gateway.domain.routing.discovery import Instance, Lookup
from brain_gateway.infrastructure.discovery import dns
from brain_gateway.infrastructure.discovery.dns import MOST_AT_ONCE, SYSTEM_TTL, DnsDiscovery
from brain_gateway.infrastructure.discovery.questions import DeniedError, SilentError
from brain_gateway.infrastructure.discovery.srv import SrvRecord

pytestmark = pytest.mark.anyio


class Zone:
    """Stands for Questions and for the system's resolver. `found`: by (name, record), addresses or an error."""

    def __init__(self):
        self.found = {}
        self.records = []
        self.along = {}
        self.hosts = {}
        self.asked = []
        self.gate = None
        self.most = self.now = 0

    async def addresses(self, name, record):
        self.asked.append((name, str(record)))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.now -= 1
        found = self.found.get((name, str(record)), DeniedError("there is no such name"))
        if isinstance(found, Exception):
            raise found
        return found, 60.0

    async def services(self, name):
        self.asked.append((name, "SRV"))
        return self.records, self.along, 60.0

    async def system(self, name, record):
        self.asked.append((name, "system"))
        if name not in self.hosts:
            raise DeniedError("there is no such name")
        return self.hosts[name]


@pytest.fixture
def zone(monkeypatch):
    made = Zone()
    monkeypatch.setattr(dns, "system_addresses", made.system)
    return made


def discovery(zone: Zone, server: str | None = None) -> DnsDiscovery:
    made = DnsDiscovery(server)
    made._questions = zone
    return made


async def addresses(zone: Zone, lookup: Lookup, server: str | None = None) -> list[str]:
    answer = await discovery(zone, server).resolve(lookup)
    assert isinstance(answer, Discovered), answer
    return [one.address for one in answer.instances]


async def test_auto_is_ipv4_and_ipv6_where_there_is_none(zone):
    zone.found = {("crm", "A"): ("10.0.0.1",), ("crm", "AAAA"): ("fd00::1",), ("six", "AAAA"): ("fd00::6",)}
    assert await addresses(zone, Lookup("crm")) == ["10.0.0.1"]
    assert zone.asked == [("crm", "A")]
    assert await addresses(zone, Lookup("six")) == ["fd00::6"]
    assert await addresses(zone, Lookup("crm", record="AAAA")) == ["fd00::1"]


async def test_what_dns_denies_the_hosts_file_may_know(zone):
    zone.hosts["crm"] = ("10.0.0.7",)
    answer = await discovery(zone).resolve(Lookup("crm"))
    assert answer == Discovered((Instance("10.0.0.7"),), SYSTEM_TTL)
    assert zone.asked == [("crm", "A"), ("crm", "AAAA"), ("crm", "system")]


async def test_a_server_of_our_own_decides_alone(zone):
    zone.hosts["crm"] = ("10.0.0.7",)
    answer = await discovery(zone, "127.0.0.1:53").resolve(Lookup("crm"))
    assert answer == NotDiscovered("there is no such name", denied=True)


async def test_silence_asks_nobody_else(zone):
    zone.hosts["crm"] = ("10.0.0.7",)
    zone.found["crm", "A"] = SilentError("no name server gave an answer")
    answer = await discovery(zone).resolve(Lookup("crm"))
    assert answer == NotDiscovered("no name server gave an answer")
    assert zone.asked == [("crm", "A")]


async def test_this_machine_is_not_asked_for_in_dns(zone):
    zone.hosts["localhost"] = ("127.0.0.1",)
    assert await addresses(zone, Lookup("localhost"), "127.0.0.1:53") == ["127.0.0.1"]
    assert zone.asked == [("localhost", "system")]


@pytest.mark.parametrize("useless", ["0.0.0.0", "224.0.0.1", "::", "ff02::1", "fe80::1"])
async def test_addresses_that_lead_nowhere_or_home_are_left_out(zone, useless):
    zone.found["crm", "A"] = (useless, "10.0.0.1")
    zone.found["blocked", "A"] = (useless,)
    assert await addresses(zone, Lookup("crm")) == ["10.0.0.1"]
    answer = await discovery(zone).resolve(Lookup("blocked"))
    assert isinstance(answer, NotDiscovered)
    assert answer.denied


async def test_srv_hosts_are_looked_up_unless_they_came_along(zone):
    zone.records = [SrvRecord(0, 1, 8001, "a.test."), SrvRecord(0, 3, 8002, "b.test.")]
    zone.along = {"a.test.": (("10.0.0.1",), 5.0)}
    zone.found["b.test.", "A"] = ("10.0.0.2", "10.0.0.3")
    answer = await discovery(zone).resolve(Lookup("crm", record="SRV"))
    expected = (
        Instance("10.0.0.1", 8001, 1),
        Instance("10.0.0.2", 8002, 3),
        Instance("10.0.0.3", 8002, 3),
    )
    assert answer == Discovered(expected, 5.0)
    assert zone.asked == [("crm", "SRV"), ("b.test.", "A")]


async def test_an_srv_host_without_an_address_is_passed_over_and_one_without_an_answer_is_not(zone):
    zone.records = [SrvRecord(0, 0, 8001, "a.test."), SrvRecord(0, 0, 8002, "b.test.")]
    zone.found["a.test.", "A"] = ("10.0.0.1",)
    made, lookup = discovery(zone), Lookup("crm", record="SRV")
    assert await made.resolve(lookup) == Discovered((Instance("10.0.0.1", 8001),), 60.0)
    zone.found["b.test.", "A"] = SilentError("no name server gave an answer")
    assert await made.resolve(lookup) == NotDiscovered("no name server gave an answer")
    del zone.found["a.test.", "A"], zone.found["b.test.", "A"]
    answer = await made.resolve(lookup)
    assert isinstance(answer, NotDiscovered)
    assert answer.denied


async def test_no_such_service_is_an_answer_and_no_denial(zone):
    zone.records = [SrvRecord(0, 0, 0, ".")]
    assert await discovery(zone).resolve(Lookup("crm", record="SRV")) == Discovered((), 60.0)


async def test_few_at_a_time_and_none_for_ever(zone, monkeypatch):
    monkeypatch.setattr(dns, "PATIENCE", 0.05)
    zone.gate = asyncio.Event()
    made = discovery(zone)
    answers = await asyncio.gather(*(made.resolve(Lookup(f"n{n}")) for n in range(2 * MOST_AT_ONCE)))
    assert zone.most == MOST_AT_ONCE
    assert set(answers) == {NotDiscovered("no answer within 0.05 s")}
