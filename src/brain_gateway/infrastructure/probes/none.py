"""No probe: for services whose health nobody can ask for."""

from __future__ import annotations

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target


class NoProbe:
    """Connects nowhere and takes every target for healthy; the circuit breaker alone watches them."""

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe."""
        return ProbeResult(ok=True, latency=0.0, detail="not probed")
