"""The gRPC probe: `grpc.health.v1.Health/Check` over HTTP/2 (grpc.io, "Health Checking")."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.attempt import (
    MAX_ANSWER_BYTES,
    UnhealthyAnswerError,
    attempt,
    connection,
    send,
)


@functools.cache
def http2_tls() -> ssl.SSLContext:
    """As `default_tls`, negotiating HTTP/2 (RFC 9113 section 3.2)."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    return context


class GrpcProbe:
    """Healthy when the server says SERVING, or speaks gRPC but has no health service."""

    def __init__(self, tls: Callable[[], ssl.SSLContext] = http2_tls) -> None:
        self._tls = tls

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe. A path other than "/" and "/health" names the gRPC service to ask about."""
        service = "" if policy.path in {"", "/", "/health"} else policy.path.lstrip("/")
        return await attempt(policy.timeout, lambda: self._ask(target, service))

    async def _ask(self, target: Target, service: str) -> str:
        # h2 is imported by the first gRPC probe: a gateway without gRPC services does not pay for it.
        from brain_gateway.infrastructure.probes.grpc_health_call import HealthCall

        call = HealthCall(target.scheme, target.host_header, service)
        async with connection(target, self._tls) as (reader, writer):
            send(writer, call.start())
            while not call.ended:
                data = await reader.read(MAX_ANSWER_BYTES)
                if not data:
                    raise UnhealthyAnswerError("closed before the answer was complete")
                send(writer, call.receive(data))
        return call.verdict()
