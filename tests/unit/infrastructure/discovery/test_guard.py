"""The address guard, with a resolver in the system's place."""

from __future__ import annotations

import asyncio
import threading

import pytest

from brain_gateway.domain.errors import UpstreamUnreachable
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.infrastructure.discovery.guard import THREADS, SystemAddressGuard

pytestmark = pytest.mark.anyio
NAMES = {
    "outer.example": ["93.184.216.34"],
    "mixed.example": ["10.0.0.1", "::1", "2606:2800:220:1::1"],
    "inner.example": ["127.0.0.1", "64:ff9b::a9fe:a9fe"],
}


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Resolver:
    """Answers from NAMES, each time once `gate` is open."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, host: str, port: int):
        self.asked.append(host)
        self.gate.wait()
        if host not in NAMES:
            raise OSError
        return [(2, 1, 6, "", (address, port)) for address in NAMES[host]]


@pytest.fixture
def resolver():
    return Resolver()


@pytest.fixture
def guard(resolver):
    guard = SystemAddressGuard(TargetRule(), resolver)
    yield guard
    resolver.gate.set()
    guard.close()


def target(name: str) -> Target:
    return Target.parse(f"http://{name}:80")


async def test_the_first_address_that_a_tenant_may_name(guard):
    assert await guard.address_of(target("outer.example")) == "93.184.216.34"
    assert await guard.address_of(target("mixed.example")) == "2606:2800:220:1::1"
    for name in ("inner.example", "nobody.example"):
        with pytest.raises(UpstreamUnreachable):
            await guard.address_of(target(name))


async def test_many_who_ask_for_one_name_share_an_answer_and_the_next_asks_anew(guard, resolver):
    resolver.gate.clear()
    asking = [asyncio.create_task(guard.address_of(target("outer.example"))) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    resolver.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert answers[1:] == ["93.184.216.34"] * 49
    assert resolver.asked == ["outer.example"]
    await guard.address_of(target("outer.example"))
    assert len(resolver.asked) == 2


async def test_names_that_are_not_answered_hold_no_thread_of_the_loop(guard, resolver):
    resolver.gate.clear()
    slow = [asyncio.create_task(guard.address_of(target(f"slow{n}.example"))) for n in range(3 * THREADS)]
    await asyncio.sleep(0)
    assert await asyncio.to_thread(lambda: "free") == "free"
    assert len(resolver.asked) <= THREADS
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
