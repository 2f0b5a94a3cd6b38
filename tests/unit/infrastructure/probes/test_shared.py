"""SharedProbe: one question for all who ask the same, and no stale answers."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.shared import FRESH, SharedProbe

TARGET, OTHER = Target.parse("http://127.0.0.1:1"), Target.parse("http://127.0.0.1:2")
POLICY = ProbePolicy()

pytestmark = pytest.mark.anyio


class CountingProbe:
    """Answers when it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Target, ProbePolicy]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        self.asked.append((target, policy))
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return ProbeResult(ok=True, latency=0.001, detail=f"answer {len(self.asked)}")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def test_those_who_ask_together_are_answered_together(clock):
    inner = CountingProbe()
    inner.go_on.clear()
    probe = SharedProbe(inner, clock)
    waiting = [asyncio.create_task(probe.check(TARGET, POLICY)) for _ in range(100)]
    await asyncio.sleep(0)
    inner.go_on.set()
    assert {result.detail for result in await asyncio.gather(*waiting)} == {"answer 1"}
    assert len(inner.asked) == 1


async def test_an_answer_serves_while_it_is_fresh(clock):
    inner = CountingProbe()
    probe = SharedProbe(inner, clock)
    assert (await probe.check(TARGET, POLICY)).detail == "answer 1"
    clock.now += FRESH * 0.99
    assert (await probe.check(TARGET, POLICY)).detail == "answer 1"
    clock.now += FRESH * 0.02
    assert (await probe.check(TARGET, POLICY)).detail == "answer 2"


@pytest.mark.parametrize(
    ("target", "policy"),
    [(OTHER, POLICY), (TARGET, ProbePolicy(path="/ready")), (TARGET, ProbePolicy(timeout=9.0))],
)
async def test_another_question_is_asked(clock, target, policy):
    inner = CountingProbe()
    probe = SharedProbe(inner, clock)
    await probe.check(TARGET, POLICY)
    await probe.check(target, policy)
    assert inner.asked == [(TARGET, POLICY), (target, policy)]


async def test_who_stops_waiting_leaves_the_others_their_answer(clock):
    inner = CountingProbe()
    inner.go_on.clear()
    probe = SharedProbe(inner, clock)
    impatient, patient = (asyncio.create_task(probe.check(TARGET, POLICY)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    inner.go_on.set()
    assert (await patient).ok
    assert impatient.cancelled() or impatient.cancelling()


async def test_a_probe_that_breaks_is_asked_again(clock):
    inner = CountingProbe()
    inner.error = RuntimeError("broken")
    probe = SharedProbe(inner, clock)
    with pytest.raises(RuntimeError):
        await probe.check(TARGET, POLICY)
    inner.error = None
    assert (await probe.check(TARGET, POLICY)).ok


async def test_one_address_under_two_names_is_two_questions(clock):
    inner = CountingProbe()
    shared = SharedProbe(inner, clock)
    for name in ("crm.test", "shop.test", "crm.test"):
        await shared.check(Target("http", "10.0.0.1", 80, server_name=name), POLICY)
    assert [target.server_name for target, _ in inner.asked] == ["crm.test", "shop.test"]
