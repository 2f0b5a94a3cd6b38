"""Port: asks one target whether it is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one check found: `latency` in seconds; `detail` is for people and names no address or secret."""

    ok: bool
    latency: float
    detail: str


class Probe(Protocol):
    """One way of asking (HTTP, TCP, gRPC, Redis PING)."""

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """Ask once, within `policy.timeout` seconds. A target that is away is a result, not an exception."""
        ...
