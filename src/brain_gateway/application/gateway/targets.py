"""What is known of each target while the gateway runs: breaker, health, requests in flight, its pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from brain_gateway.domain.resilience.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from brain_gateway.application.ports.upstream import UpstreamPool, UpstreamPools
    from brain_gateway.domain.routing.service_route import ServiceRoute
    from brain_gateway.domain.routing.target import Target


class TargetState:
    """One target of one service. It outlives the routing tables that name it."""

    __slots__ = ("breaker", "healthy", "host_line", "in_flight", "name", "pool", "target")

    def __init__(self, target: Target, breaker: CircuitBreaker, pool: UpstreamPool) -> None:
        self.target = target
        self.name = target.origin
        self.breaker = breaker
        self.pool = pool
        self.healthy = True  # until a probe says otherwise: a probe may never come
        self.in_flight = 0
        self.host_line = b"Host: " + target.host_header.encode() + b"\r\n"

    def available(self, now: float) -> bool:
        """Whether its breaker would let a request through; takes no half-open trial."""
        return self.breaker.calm or self.breaker.retry_after(now) == 0.0


class TargetRegistry:
    """Keeps the state of each target of each service across changes of the routing table.

    `on_breaker` is told of each new breaker: its service's key, its target's origin, itself.
    """

    def __init__(self, pools: UpstreamPools) -> None:
        self._pools = pools
        self.on_breaker: Callable[[str, str, CircuitBreaker], None] = lambda key, origin, breaker: None
        self._states: dict[str, dict[str, TargetState]] = {}  # by service key, then by origin

    def states(self, service: ServiceRoute) -> tuple[TargetState, ...]:
        """The states of a service's targets, made on first sight; a changed breaker policy starts it anew.

        A target that the service does not name any more is forgotten; its connections close as they fall idle.
        """
        known = self._states.setdefault(service.key, {})
        states = tuple([self._state(known, service, target) for target in service.targets])
        if len(known) > len(states):
            named = {state.name for state in states}
            for origin in known.keys() - named:
                known.pop(origin).pool.close()
        return states

    def _state(self, known: dict[str, TargetState], service: ServiceRoute, target: Target) -> TargetState:
        state = known.get(target.origin)
        if state is not None and _elsewhere(state.target, target):
            known.pop(target.origin).pool.close()  # its connections were made to another place
            state = None
        if state is None:
            pool = self._pools.pool(target, service.timeouts.connect)
            state = known[target.origin] = TargetState(target, self._new_breaker(service, target), pool)
            return state
        state.target = target  # its weight may have changed
        state.pool.connect_timeout = service.timeouts.connect
        if state.breaker.policy != service.breaker:
            state.breaker = self._new_breaker(service, target)
        return state

    def _new_breaker(self, service: ServiceRoute, target: Target) -> CircuitBreaker:
        breaker = CircuitBreaker(service.breaker)
        self.on_breaker(service.key, target.origin, breaker)
        return breaker

    def forget(self, service_key: str) -> None:
        """A service is gone, and all its targets with it."""
        for state in self._states.pop(service_key, {}).values():
            state.pool.close()

    def find(self, service_key: str, origin: str) -> TargetState | None:
        """What is known of one target."""
        return self._states.get(service_key, _NONE).get(origin)

    def mark(self, service_key: str, origin: str, healthy: bool) -> None:
        """What a probe or traffic has found out about a target."""
        state = self.find(service_key, origin)
        if state is not None:
            state.healthy = healthy

    def breaker(self, service_key: str, origin: str) -> CircuitBreaker | None:
        """The breaker of a target, if the target is known."""
        state = self.find(service_key, origin)
        return None if state is None else state.breaker

    def breaker_state(self, service_key: str, origin: str) -> Literal["closed", "half_open", "open"]:
        """The state of a target's circuit; closed when nothing is known of it."""
        state = self.find(service_key, origin)
        return "closed" if state is None else state.breaker.state.value


def _elsewhere(old: Target, new: Target) -> bool:
    """Whether connections of the one are none of the other's, though they have one origin."""
    return (old.server_name, old.guarded) != (new.server_name, new.guarded)


_NONE: dict[str, TargetState] = {}
