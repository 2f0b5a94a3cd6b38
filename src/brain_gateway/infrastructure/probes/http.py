"""The HTTP probe: a GET of the policy's path, healthy when the status is 200 to 399.

Written on a bare connection: a probe wants the status line and a closed connection, and 10,000 of them every
30 s should not cost what 10,000 calls of a full client cost.
"""

from __future__ import annotations

import asyncio
import re
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

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")  # RFC 9112 section 4
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: brain-gateway-probe\r\n"
    "Accept: */*\r\nConnection: close\r\n\r\n"
)


class HttpProbe:
    """GET over HTTP/1.1, with TLS for https targets. Redirects count as healthy and are not followed."""

    def __init__(self, tls: Callable[[], ssl.SSLContext] = default_tls) -> None:
        self._tls = tls

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe."""
        return await attempt(policy.timeout, lambda: self._get(target, policy.path))

    async def _get(self, target: Target, path: str) -> str:
        async with connection(target, self._tls) as (reader, writer):
            send(writer, _REQUEST.format(path=path or "/", host=target.host_header).encode("ascii"))
            status = await _final_status(reader)
        if not 200 <= status < 400:
            raise UnhealthyAnswerError(f"status {status}")
        return f"status {status}"


async def _final_status(reader: asyncio.StreamReader) -> int:
    """The status of the first complete head that is not interim (RFC 9110 section 15.2)."""
    while True:
        line = await reader.readuntil(b"\r\n")
        found = _STATUS_LINE.fullmatch(line)
        if found is None:
            raise UnhealthyAnswerError("the answer is not HTTP/1.1")
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        if (status := int(found[1])) >= 200:
            return status
