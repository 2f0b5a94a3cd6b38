"""A target for requests that may be answered from the store while no real one is to be had (breakers, health)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.gateway.targets import TargetState
from brain_gateway.domain.resilience.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.application.gateway.routing_table import ServiceEntry
    from brain_gateway.domain.errors import GatewayError


class _NoWay:
    """A pool that fails what it is sent, as the choice of a target did."""

    connect_timeout = 0.0
    idle = open = 0

    def __init__(self, error: GatewayError) -> None:
        self._error = error

    def send(self, exchange: Exchange) -> None:
        """See the port UpstreamPool."""
        exchange.sink.on_failure(self._error, False)

    def close(self) -> None:
        """There is nothing to close."""


def stand_in(entry: ServiceEntry, error: GatewayError) -> TargetState:
    """A target of its own, so that what becomes of the request is laid to nobody's account."""
    first = entry.targets[0]
    state = TargetState(first.target, CircuitBreaker(entry.service.breaker), _NoWay(error))
    state.name = ""
    return state
