"""What every ServiceDiscovery does: one suite over the fake and DNS, with a name server on loopback."""

from __future__ import annotations

import pytest

from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered
from brain_gateway.domain.routing.discovery import Instance, Lookup
from brain_gateway.infrastructure.discovery import questions
from brain_gateway.infrastructure.discovery.dns import DnsDiscovery
from tests.fakes.service_discovery import KnownInstances
from tests.live.harness.dns_server import dns_server

pytestmark = pytest.mark.anyio
NAME, PORT = "crm.test", 8003


class ByFake:
    """The fake, told what to say."""

    def __init__(self):
        self.directory = KnownInstances()
        self.lookup = Lookup(NAME, record="SRV")
        self.directory.ttl = 7.0

    def at(self, *addresses):
        self.directory.set(NAME, *addresses, port=PORT)

    def fall_silent(self):
        self.directory.silent = True


class ByAddress:
    """A records."""

    def __init__(self, server):
        self._server = server
        self._server.ttl = 7
        self.directory = DnsDiscovery(server.address)
        self.lookup = Lookup(NAME)

    def at(self, *addresses):
        self._server.set(NAME, "A", *addresses)

    def fall_silent(self):
        self._server.silent = True


class ByService(ByAddress):
    """SRV records, one for each instance."""

    def __init__(self, server):
        super().__init__(server)
        self.lookup = Lookup(NAME, record="SRV")

    def at(self, *addresses):
        for address in addresses:
            self._server.set(f"i{address}.test", "A", address)
        self._server.set(NAME, "SRV", *(f"0 0 {PORT} i{address}.test." for address in addresses))


@pytest.fixture(params=["fake", "A", "SRV"])
async def case(request):
    if request.param == "fake":
        yield ByFake()
        return
    async with dns_server() as server:
        yield (ByAddress if request.param == "A" else ByService)(server)


async def test_all_instances_are_told_and_how_long_that_holds(case):
    case.at("10.0.0.1", "10.0.0.2", "10.0.0.3")
    answer = await case.directory.resolve(case.lookup)
    assert isinstance(answer, Discovered)
    assert {one.address for one in answer.instances} == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert {one.weight for one in answer.instances} == {1}
    assert answer.valid_for == 7.0


async def test_the_next_question_is_answered_by_what_is_there_then(case):
    case.at("10.0.0.1")
    first = await case.directory.resolve(case.lookup)
    case.at("10.0.0.2")
    second = await case.directory.resolve(case.lookup, first.version)
    assert [one.address for one in second.instances] == ["10.0.0.2"]


async def test_a_name_that_is_not_there_is_denied(case):
    answer = await case.directory.resolve(case.lookup)
    assert isinstance(answer, NotDiscovered)
    assert answer.denied
    assert answer.detail


async def test_silence_is_no_denial_and_no_exception(case, monkeypatch):
    monkeypatch.setattr(questions, "LONGEST", 0.2)
    case.at("10.0.0.1")
    case.fall_silent()
    answer = await case.directory.resolve(case.lookup)
    assert isinstance(answer, NotDiscovered)
    assert not answer.denied
    assert NAME not in answer.detail


async def test_many_questions_at_once_all_get_their_answer(case):
    import asyncio

    case.at("10.0.0.1")
    answers = await asyncio.gather(*(case.directory.resolve(case.lookup) for _ in range(40)))
    assert not [one.detail for one in answers if isinstance(one, NotDiscovered)]
    assert {one.instances[0].address for one in answers} == {"10.0.0.1"}
    assert len({one.instances for one in answers}) == 1
    assert isinstance(answers[0].instances[0], Instance)
