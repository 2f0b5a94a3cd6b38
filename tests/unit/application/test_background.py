"""A task beside the rest: begun on entering, ended on leaving, and its failure is not lost."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.background import Background, pause

pytestmark = pytest.mark.anyio


class Work(Background):
    """Says what it does; breaks with an error, if it has one."""

    name = "work"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.said: list[str] = []

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.said.append(task.get_name())
        try:
            if self.error is not None:
                raise self.error
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.said.append("end")


async def test_it_runs_until_it_is_left():
    work = Work()
    async with work as entered:
        assert entered is work
        await asyncio.sleep(0)
        assert work.said == ["work"]
    assert work.said == ["work", "end"], "its end is waited for"


async def test_what_broke_it_is_raised_when_it_is_left():
    work = Work(ValueError("broken"))
    await work.__aenter__()
    for _ in range(5):
        await asyncio.sleep(0)
    assert work.said == ["work", "end"]
    with pytest.raises(ValueError, match="broken"):
        await work.__aexit__(None, None, None)


async def test_leaving_without_entering_is_harmless():
    await Work().__aexit__(None, None, None)


async def test_a_pause_ends_with_its_event_or_its_time():
    wake = asyncio.Event()
    await pause(wake, 0.001)
    asyncio.get_running_loop().call_soon(wake.set)
    await pause(wake, None)
