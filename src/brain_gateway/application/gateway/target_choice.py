"""Which target carries a request: the balancer's choice among those that are well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from brain_gateway.domain.errors import CircuitOpen, GatewayError, NoHealthyTarget

if TYPE_CHECKING:
    from brain_gateway.application.gateway.routing_table import ServiceEntry
    from brain_gateway.application.gateway.targets import TargetState
    from brain_gateway.domain.http.requests import Request


def choose(
    entry: ServiceEntry,
    head: Request,
    caller: str,
    now: float,
    random: Callable[[], float],
    failed: TargetState | None = None,
) -> TargetState | GatewayError:
    """A target, its breaker asked; those that a probe found unwell, and `failed`, only if there is no other.

    A service whose probes all fail is tried all the same: a probe can be wrong, a refused connection cannot, and a
    service that comes back is served at once. What fails in earnest opens the breaker.
    """
    states = entry.targets
    willing = [state.available(now) for state in states]
    available = _preferred(willing, [state.healthy and state is not failed for state in states])
    available = available or _preferred(willing, [state is not failed for state in states]) or willing
    loads = [state.in_flight for state in states]
    index = entry.balancer.choose(available, loads, _key(entry, head, caller), random())
    if index < 0:
        return _reason(states)
    target = states[index]
    if not target.breaker.calm and not target.breaker.admit(now):
        return CircuitOpen("the service failed repeatedly; it is given time to recover")
    return target


def _preferred(willing: list[bool], better: list[bool]) -> list[bool]:
    """The willing ones among the better; nothing when there are none."""
    both = [one and other for one, other in zip(willing, better, strict=True)]
    return both if any(both) else []


def _key(entry: ServiceEntry, head: Request, caller: str) -> bytes:
    """What consistent hashing goes by: a header's value, or the caller's tenant or address."""
    wanted = entry.hash_header
    if wanted:
        for line in head.fields.lines:
            name, _, value = line.partition(b":")
            if name.lower() == wanted:
                return value.strip(b" \t")
    return caller.encode()


def _reason(states: tuple[TargetState, ...]) -> GatewayError:
    if any(state.target.weight for state in states):
        return CircuitOpen("the service failed repeatedly; it is given time to recover")
    return NoHealthyTarget("the service has no target in service")
