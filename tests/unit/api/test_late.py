"""An application that is made when it is first asked for: once, beside the loop, and again after a failure."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import anyio
import pytest

from brain_gateway.api.late import STEP, LateApplication, in_small_steps

pytestmark = pytest.mark.anyio
PATIENCE = 30.0


class Making:
    """Makes an application when it may; counts how often it was asked to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.count = 0
        self.fails = False
        self.thread: threading.Thread | None = None

    def __call__(self):
        self.count += 1
        self.thread = threading.current_thread()
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        if self.fails:
            raise ImportError("not there")
        return self.app

    async def app(self, scope, receive, send) -> None:
        await send({"answered": scope["path"]})


async def ask(app: LateApplication, path: str) -> list[dict[str, str]]:
    sent: list[dict[str, str]] = []

    async def send(message) -> None:
        sent.append(message)

    await app({"type": "http", "path": path}, None, send)
    return sent


async def test_it_is_made_once_for_all_who_ask_at_first():
    making = Making()
    app = LateApplication(making)
    assert making.count == 0
    asked = [asyncio.create_task(ask(app, f"/{n}")) for n in range(5)]
    assert await asyncio.to_thread(making.begun.wait, PATIENCE)
    await anyio.lowlevel.checkpoint()  # the loop goes on meanwhile
    assert not any(task.done() for task in asked)
    making.may_end.set()
    assert await asyncio.gather(*asked) == [[{"answered": f"/{n}"}] for n in range(5)]
    assert await ask(app, "/later") == [{"answered": "/later"}]
    assert making.count == 1
    assert making.thread is not threading.current_thread()


async def test_a_request_that_goes_away_stops_nothing():
    making = Making()
    app = LateApplication(making)
    first, second = asyncio.create_task(ask(app, "/1")), asyncio.create_task(ask(app, "/2"))
    assert await asyncio.to_thread(making.begun.wait, PATIENCE)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    making.may_end.set()
    assert await second == [{"answered": "/2"}]
    assert making.count == 1


async def test_after_a_failure_the_next_request_tries_again():
    making = Making()
    making.may_end.set()
    making.fails = True
    app = LateApplication(making)
    with pytest.raises(ImportError):
        await ask(app, "/1")
    making.fails = False
    assert await ask(app, "/2") == [{"answered": "/2"}]
    assert making.count == 2


async def test_alone_too_it_is_kept():
    making = Making()
    making.may_end.set()
    app = LateApplication(making)
    for _ in range(3):
        await ask(app, "/")
    assert making.count == 1


@pytest.mark.parametrize("collects", [True, False])
def test_work_in_small_steps_leaves_all_as_it_was(collects):
    seen = []

    def work() -> str:
        seen.append((sys.getswitchinterval(), gc.isenabled()))
        return "done"

    usual = sys.getswitchinterval()
    (gc.enable if collects else gc.disable)()
    try:
        assert in_small_steps(work) == "done"
        with pytest.raises(ZeroDivisionError):
            in_small_steps(lambda: 1 / 0)
        assert (sys.getswitchinterval(), gc.isenabled()) == (usual, collects)
    finally:
        gc.enable()
        gc.unfreeze()
    assert seen == [(pytest.approx(STEP), False)]
