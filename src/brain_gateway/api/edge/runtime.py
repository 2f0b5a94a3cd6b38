"""What every connection shares: the decisions, the limits of the wire, and whether the gateway is stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain_gateway.application.gateway.request_router import RequestRouter
    from brain_gateway.application.gateway.settlement import Settlement
    from brain_gateway.domain.http.requests import RequestParser


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """Sizes in bytes, times in seconds; `most_pending` bounds what is read ahead of the request in work."""

    header_bytes: int = 65536
    header_count: int = 100
    target_bytes: int = 16384
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    keep_alive_timeout: float = 75.0
    send_timeout: float = 60.0
    most_pending: int = 65536
    linger: float = 2.0


@dataclass(slots=True, kw_only=True)
class EdgeRuntime:
    """`clock` is monotonic seconds; `trusts(address)`: whether a peer's X-Forwarded-* and Forwarded are believed;
    `connections`: those open, for the sweeper and for draining."""

    router: RequestRouter
    settlement: Settlement
    clock: Callable[[], float]
    parser: RequestParser
    trusts: Callable[[str], bool]
    limits: WireLimits = field(default_factory=WireLimits)
    draining: bool = False
    most_connections: int = 0
    connections: set[Any] = field(default_factory=set)
