"""What is known of each target while the gateway runs: breaker, health, requests in flight, its pool."""

from __future__ import annotations

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
    """Keeps the state of each (service, target) across changes of the routing table."""

    def __init__(self, pools: UpstreamPools) -> None:
        self._pools = pools
        self._states: dict[tuple[str, str], TargetState] = {}

    def states(self, service: ServiceRoute) -> tuple[TargetState, ...]:
        """The states of a service's targets, made on first sight; a changed breaker policy starts it anew."""
        return tuple(self._state(service, target) for target in service.targets)

    def _state(self, service: ServiceRoute, target: Target) -> TargetState:
        key = (service.key, target.origin)
        state = self._states.get(key)
        if state is not None and state.target.server_name != target.server_name:
            self._states.pop(key).pool.close()  # its connections were made for another name
            state = None
        if state is None:
            pool = self._pools.pool(target, service.timeouts.connect)
            state = self._states[key] = TargetState(target, CircuitBreaker(service.breaker), pool)
            return state
        state.target = target  # its weight may have changed
        state.pool.connect_timeout = service.timeouts.connect
        if state.breaker.policy != service.breaker:
            state.breaker = CircuitBreaker(service.breaker)
        return state

    def keep_only(self, keys: set[tuple[str, str]]) -> None:
        """Forget what no table names any more; its connections close as they fall idle."""
        for key in self._states.keys() - keys:
            self._states.pop(key).pool.close()

    def mark(self, service_key: str, origin: str, healthy: bool) -> None:
        """What a probe or traffic has found out about a target."""
        state = self._states.get((service_key, origin))
        if state is not None:
            state.healthy = healthy

    def breaker_state(self, service_key: str, origin: str) -> Literal["closed", "half_open", "open"]:
        """The state of a target's circuit; closed when nothing is known of it."""
        state = self._states.get((service_key, origin))
        return "closed" if state is None else state.breaker.state.value
