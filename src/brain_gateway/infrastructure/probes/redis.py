"""The Redis probe: PING over RESP (redis.io, "Redis serialization protocol specification")."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.attempt import (
    UnhealthyAnswerError,
    attempt,
    connection,
    default_tls,
    send,
)

_PING = b"*1\r\n$4\r\nPING\r\n"
# Errors by which a server that works says that it does not know us; the probe holds no password.
_ALIVE = {b"-NOAUTH", b"-NOPERM", b"-WRONGPASS"}
_UNWELL = {
    b"-LOADING": "the server is loading its data",
    b"-MASTERDOWN": "the replica has lost its master",
    b"-BUSY": "the server is busy running a script",
    b"-DENIED": "the server refuses remote connections (protected mode)",
}


class RedisProbe:
    """Healthy when the server answers PONG, or asks for a password first."""

    def __init__(self, tls: Callable[[], ssl.SSLContext] = default_tls) -> None:
        self._tls = tls

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe."""
        return await attempt(policy.timeout, lambda: self._ping(target))

    async def _ping(self, target: Target) -> str:
        async with connection(target, self._tls) as (reader, writer):
            send(writer, _PING)
            return _judge(await reader.readuntil(b"\r\n"))


def _judge(answer: bytes) -> str:
    if answer == b"+PONG\r\n":
        return "PONG"
    word = answer.split(maxsplit=1)[0] if answer.strip() else b""
    if word in _ALIVE:
        return "alive; it asks for a password, which the probe does not have"
    raise UnhealthyAnswerError(_UNWELL.get(word, "the answer to PING is not PONG"))
