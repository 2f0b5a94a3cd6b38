"""Work beside the requests: it ends with the gateway, and what it dies of is heard."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.bootstrap.beside import beside

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def heard():
    found: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context))
    return found


async def test_it_goes_on_as_long_as_the_gateway_is_open(heard):
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with beside(work(), "work"):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()
    assert heard == []


async def test_what_it_dies_of_is_told_at_once_and_raised_at_the_end(heard):
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):  # noqa: PT012 - it is raised where the context ends
        async with beside(work(), "the relay"):
            for _ in range(3):
                await asyncio.sleep(0)
            assert [context["message"] for context in heard] == ["the relay ended"]


async def test_a_library_that_swallows_a_cancellation_holds_nothing_up(heard):
    swallowed = []

    async def work() -> None:
        while len(swallowed) < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed.append(1)
        await asyncio.Event().wait()

    async with beside(work(), "work"):
        await asyncio.sleep(0)
    assert len(swallowed) == 2
