"""What runs beside the rest for as long as its object is entered: a task, its end, and a pause in it."""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Pause = Callable[[asyncio.Event, float | None], Awaitable[None]]


async def pause(wake: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, at most so many seconds (None: for ever)."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


class Background:
    """Enter it (async) to run `_run`, which never ends by itself, as a task of this `name`.

    Leaving cancels the task and waits for its end; an error that ended it earlier is raised then. Who leaves without
    having entered does nothing.
    """

    name = "background"
    _task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _run(self) -> None: ...

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=self.name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()
