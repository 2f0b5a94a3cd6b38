"""A LimitStore in memory: the rules of the Lua, in Python, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from brain_gateway.application.ports.limit_store import LeaseRequest, Pulse
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.leases import Grant
from brain_gateway.domain.resilience.ledger import Ledger, grain_of

SETTLE = 0.75


class StoredLimits:
    """What the processes share. `away`: every call fails. `lose()` forgets everything, as a restart does."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.away = False
        self.epoch = 1
        self.settle = SETTLE
        self.settled_at = 0.0
        self.calls = 0
        self.members: dict[str, float] = {}
        self.told: dict[str, int] = {}
        self.ledgers: dict[str, Ledger] = {}
        self.tats: dict[str, float] = {}

    def lose(self) -> None:
        """All data are gone."""
        self.epoch += 1
        self.settled_at = self.clock() + self.settle
        self.members.clear()
        self.told.clear()
        self.ledgers.clear()
        self.tats.clear()


class MemoryLimits:
    """The store as one process sees it."""

    def __init__(self, stored: StoredLimits) -> None:
        self.stored = stored
        self._epoch = 0

    def _reach(self) -> None:
        self.stored.calls += 1
        if self.stored.away:
            raise LimitsUnavailable

    async def lease(self, requests: Sequence[LeaseRequest]) -> list[Grant | None]:
        """See LimitStore."""
        return self.lease_now(requests)

    def lease_now(self, requests: Sequence[LeaseRequest]) -> list[Grant | None]:
        """The same, at once: for tests that order the steps themselves."""
        self._reach()
        return [self._grant(request) if self._granting(request) else None for request in requests]

    def _granting(self, request: LeaseRequest) -> bool:
        settled = not request.ask.want or self.stored.clock() >= self.stored.settled_at
        return settled and self._epoch == self.stored.epoch

    async def pulse(self, member: str, told: int = 0) -> Pulse:
        """See LimitStore."""
        return self.pulse_now(member, told)

    def pulse_now(self, member: str, told: int = 0) -> Pulse:
        """The same, at once."""
        self._reach()
        now = self.stored.clock()
        members = self.stored.members
        members[member] = now
        for gone in [name for name, at in members.items() if at < now - 2.0]:
            del members[gone]
        lost = self._epoch not in (0, self.stored.epoch)
        self._epoch = self.stored.epoch
        if told and not lost:
            self.stored.told[member] = told
            if len(self.stored.told) >= max(self.stored.told.values()):
                self.stored.settled_at = min(self.stored.settled_at, now)
        settling = max(0.0, self.stored.settled_at - now)
        return Pulse(len(members), (lambda _: True) if lost else None, settling)

    async def leave(self, member: str) -> None:
        """See LimitStore."""
        self._reach()
        self.stored.members.pop(member, None)

    def _grant(self, request: LeaseRequest) -> Grant:
        stored, limit, ask, now = self.stored, request.limit, request.ask, self.stored.clock()
        ledger = stored.ledgers.setdefault(request.key, Ledger(grain_of(limit)))
        ledger.held(now)
        for receipt, count in ask.back:
            ledger.take_back(receipt, count)
        for left, count in ask.report:
            ledger.add(now + left, count)
        free = max(0, limit.requests - ledger.held(now))
        receipt = 0
        most = max(ask.need, free // (2 * request.members))
        count = max(0, min(ask.want, free, most, self._room(request, now)))
        if count:
            receipt = ledger.add(now + request.life + limit.window * 1.001, count)
            if limit.burst is not None:
                tat = max(stored.tats.get(request.key, 0.0), now + request.life)
                stored.tats[request.key] = tat + count * limit.window / limit.requests
        wait = self._wait(request, free - count, now) if count < max(1, ask.need) else 0.0
        return Grant(count, receipt, free - count, wait)

    def _room(self, request: LeaseRequest, now: float) -> int:
        limit = request.limit
        if limit.burst is None:
            return limit.requests
        ahead = max(0.0, self.stored.tats.get(request.key, 0.0) - now)
        return limit.burst - ceil(ahead * limit.requests / limit.window - 1e-9)

    def _wait(self, request: LeaseRequest, free: int, now: float) -> float:
        limit, wait = request.limit, 0.0
        if free <= 0:
            wait = max(wait, self.stored.ledgers[request.key].next_expiry(now) - now)
        if limit.burst is not None:
            spacing = limit.window / limit.requests
            tat = self.stored.tats.get(request.key, 0.0)
            wait = max(wait, tat + spacing * (1 - limit.burst) - now)
        return wait
