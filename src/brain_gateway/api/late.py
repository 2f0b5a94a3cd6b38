"""An application that is loaded when it is first asked for, beside the requests that need none of it."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")
STEP = 0.0005  # seconds after which a thread at work gives way to the event loop; Python's default is ten times that

_one_at_a_time = threading.Lock()


def in_small_steps(work: Callable[[], T]) -> T:
    """Do in a thread what takes long and makes what stays: the event loop waits STEP for its turn, not for the work.

    The collector neither interrupts it nor looks at the results later.
    """
    with _one_at_a_time:
        usual, collects = sys.getswitchinterval(), gc.isenabled()
        sys.setswitchinterval(STEP)
        gc.disable()
        try:
            return work()
        finally:
            gc.freeze()
            if collects:
                gc.enable()
            sys.setswitchinterval(usual)


class LateApplication:
    """Made by `make`, in a thread and once, when the first request comes; those that come meanwhile wait for it, too.

    A request that is cancelled does not stop the making; after a failure the next request tries again.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._making: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises what `make` raises."""
        app = self._app or await self._made()
        await app(scope, receive, send)

    async def _made(self) -> ASGIApp:
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(in_small_steps, self._make), name="load")
            self._making.add_done_callback(self._keep)
        return await asyncio.shield(self._making)

    def _keep(self, task: asyncio.Task[ASGIApp]) -> None:
        self._making = None
        if not task.cancelled() and task.exception() is None:
            self._app = task.result()
