"""What one process learns of a target's circuit holds for all: openings and closings are announced.

An opening that was announced trips the breakers of the others, who tell nobody; a closing lets them try at once, and
each closes its own when its trial succeeds. A process that starts learns what is open, and remembers it for targets
that it does not know yet. While the board is away each process has its own breakers, as it would alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from brain_gateway.application.ports.breaker_board import BreakerBoard, Notice
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.domain.events import CircuitClosed, CircuitOpened, DomainEvent

if TYPE_CHECKING:
    from brain_gateway.application.gateway.targets import TargetRegistry
    from brain_gateway.domain.resilience.circuit_breaker import CircuitBreaker

AGAIN = 0.25  # seconds before a board that was away is tried again
MOST_UNTOLD = 1000
MOST_REMEMBERED = 10_000


class BreakerSharing:
    """`heed` takes the events of this process; `run()` must be under way. `clock` is monotonic seconds."""

    def __init__(self, board: BreakerBoard, targets: TargetRegistry, clock: Callable[[], float]) -> None:
        self._board = board
        self._targets = targets
        self._clock = clock
        self._untold: asyncio.Queue[Notice] = asyncio.Queue(MOST_UNTOLD)
        self._open: dict[tuple[str, str], float] = {}  # elsewhere, and until when
        targets.on_breaker = self._begin

    def heed(self, event: DomainEvent) -> None:
        """A circuit of this process opened or closed; other events are none of its business."""
        if not isinstance(event, (CircuitOpened, CircuitClosed)):
            return
        service = event.service if event.tenant_id is None else f"{event.tenant_id}/{event.service}"
        breaker = self._targets.breaker(service, event.target)
        if breaker is not None:
            open_for = breaker.policy.reset_timeout if isinstance(event, CircuitOpened) else 0.0
            with contextlib.suppress(asyncio.QueueFull):  # the others find out for themselves
                self._untold.put_nowait(Notice(service, event.target, open_for))

    async def run(self) -> None:
        """Tell and listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell())
            group.create_task(self._listen())

    async def _tell(self) -> None:
        while True:
            notice = await self._untold.get()
            with contextlib.suppress(StoreUnavailable):
                await self._board.announce(notice)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable):
                async for notice in self._board.notices():
                    self._follow(notice)
            await asyncio.sleep(AGAIN)

    def _follow(self, notice: Notice) -> None:
        now, key = self._clock(), (notice.service, notice.target)
        breaker = self._targets.breaker(*key)
        self._open.pop(key, None)
        if notice.open_for > 0.0:
            self._remember(key, now, notice.open_for)
            if breaker is not None:
                _trip(breaker, now, notice.open_for)
        elif breaker is not None:
            breaker.hurry(now)

    def _remember(self, key: tuple[str, str], now: float, open_for: float) -> None:
        if len(self._open) >= MOST_REMEMBERED:
            self._open = {key: until for key, until in self._open.items() if until > now}
        if len(self._open) < MOST_REMEMBERED:
            self._open[key] = now + open_for

    def _begin(self, service: str, target: str, breaker: CircuitBreaker) -> None:
        """A target has come: it may be known elsewhere that it is down."""
        now = self._clock()
        open_for = self._open.get((service, target), now) - now
        if open_for > 0.0:
            _trip(breaker, now, open_for)


def _trip(breaker: CircuitBreaker, now: float, open_for: float) -> None:
    """Open it for as long as it is elsewhere, at most for its own time."""
    breaker.trip(now - max(0.0, breaker.policy.reset_timeout - open_for))
