"""Look-ups that nobody waits for any more are no faults; everything else is told."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket

import pytest

from brain_gateway.bootstrap.loop_faults import heed

pytestmark = pytest.mark.anyio


@pytest.fixture
async def loop():
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(heed)
    yield loop
    loop.set_exception_handler(before)


async def forgotten(loop: asyncio.AbstractEventLoop, error: Exception) -> None:
    """A future that fails, and that nobody asks."""
    loop.create_future().set_exception(error)
    await asyncio.sleep(0)
    gc.collect()


async def test_a_look_up_that_was_given_up_is_not_told(loop, caplog):
    await forgotten(loop, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert caplog.records == []


async def test_other_failures_are_told(loop, caplog):
    with caplog.at_level(logging.ERROR, "asyncio"):
        await forgotten(loop, OSError("no"))
        heed(loop, {"message": "a callback failed"})
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        "Future exception was never retrieved",
        "a callback failed",
    ]


async def test_a_task_that_died_of_a_look_up_is_told(loop, caplog):
    async def work() -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    task = asyncio.create_task(work())
    await asyncio.wait({task})
    heed(loop, {"message": "work ended", "exception": task.exception(), "future": task})
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == ["work ended"]
