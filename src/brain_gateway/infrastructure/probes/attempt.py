"""One attempt at a target: bounded in time and in bytes, every failure told in our own words."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.target import Target

MAX_ANSWER_BYTES = 16 * 1024
# The first that fits counts. Exception texts are not passed on: they name addresses.
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "connection lost"),
    (socket.gaierror, "host name not found"),
    (ssl.SSLCertVerificationError, "the TLS certificate is not trusted"),
    (ssl.SSLError, "the TLS handshake failed"),
    (OSError, "not reachable"),
    (asyncio.IncompleteReadError, "closed before the answer was complete"),
    (asyncio.LimitOverrunError, "the answer is too long"),
)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class UnhealthyAnswerError(Exception):
    """The target answered, and the answer says that it is not well (or is no answer to the question)."""


@functools.cache
def default_tls() -> ssl.SSLContext:
    """Verifies against the system's trust store; read on first use, shared by all probes."""
    return ssl.create_default_context()


async def attempt(seconds: float, ask: Callable[[], Awaitable[str]]) -> ProbeResult:
    """Run `ask`, which returns the detail of a healthy answer; its failures become an unhealthy result."""
    started = time.perf_counter()
    ok = False
    try:
        async with asyncio.timeout(seconds):
            detail = await ask()
        ok = True
    except UnhealthyAnswerError as error:
        detail = str(error)
    except TimeoutError:
        detail = f"no answer within {seconds:g} s"
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        detail = next(text for kind, text in _FAILURES if isinstance(error, kind))
    return ProbeResult(ok, time.perf_counter() - started, detail)


@asynccontextmanager
async def connection(target: Target, tls: Callable[[], ssl.SSLContext]) -> AsyncIterator[Connection]:
    """A connection to the target, with TLS for https; closed without waiting for the other side."""
    context = tls() if target.scheme == "https" else None
    name = target.server_name if context else None
    reader, writer = await asyncio.open_connection(
        target.host, target.port, ssl=context, server_hostname=name, limit=MAX_ANSWER_BYTES
    )
    try:
        yield reader, writer
    finally:
        if context is None:
            writer.close()
        else:
            writer.transport.abort()  # a TLS close waits up to 30 s for the other side's farewell


def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write, or say that the connection is lost: uvloop raises RuntimeError for that, asyncio nothing."""
    if writer.is_closing():
        raise ConnectionResetError
    writer.write(data)
