"""Port: where several processes count their limits together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from brain_gateway.domain.resilience.lease_terms import Ask, Grant
from brain_gateway.domain.resilience.limits import RateLimit


class LeaseRequest(NamedTuple):
    """What one window asks for; `members` share its limit, `life` is for how many seconds tokens may be used."""

    key: str
    limit: RateLimit
    life: float
    members: int
    ask: Ask


class Pulse(NamedTuple):
    """The state of the store: how many processes have called lately (this one included), for which keys it has lost
    what it knew since the last call, and for how many seconds it waits for reports of that and grants nothing."""

    members: int
    lost: Callable[[str], bool] | None = None
    settling: float = 0.0


class LimitStore(Protocol):
    """Grants tokens so that no window of a limit's length ever holds more than its requests.

    Every method is bounded in time and raises LimitsUnavailable when the store is away or slow. What was asked for
    may then have been done nevertheless; it is never done twice.
    """

    async def lease(self, requests: Sequence[LeaseRequest]) -> list[Grant | None]:
        """One answer for each request, in order. None: nothing was done, as the store has lost its data, or waits for
        reports of them and was asked for tokens (call `pulse`)."""
        ...

    async def pulse(self, member: str, told: int = 0) -> Pulse:
        """Say that a process is there, and learn of the others. Must be called before the first lease.

        `told`: that after a loss it has reported all, and how many processes there were before; 0 otherwise. When as
        many have, the store waits no longer.
        """
        ...

    async def leave(self, member: str) -> None:
        """The process shares no more."""
        ...
