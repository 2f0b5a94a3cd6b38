"""The TCP probe: something accepts connections there."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.attempt import attempt, connection, default_tls


class TcpProbe:
    """Healthy when a connection can be made (https: and the TLS handshake succeeds)."""

    def __init__(self, tls: Callable[[], ssl.SSLContext] = default_tls) -> None:
        self._tls = tls

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe."""
        return await attempt(policy.timeout, lambda: self._connect(target))

    async def _connect(self, target: Target) -> str:
        async with connection(target, self._tls):
            return "connected"
