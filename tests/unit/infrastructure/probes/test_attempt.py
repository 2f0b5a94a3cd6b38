"""An attempt ends in a result, in our own words, whatever happens on the way."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from brain_gateway.infrastructure.probes.attempt import UnhealthyAnswerError, attempt, send

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def detail_of(error: BaseException) -> str:
    async def ask() -> str:
        raise error

    result = await attempt(1.0, ask)
    assert not result.ok
    return result.detail


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (UnhealthyAnswerError("status 503"), "status 503"),
        (ConnectionRefusedError(111, "10.0.0.7:80"), "connection refused"),
        (ConnectionResetError(104, "10.0.0.7:80"), "connection lost"),
        (BrokenPipeError(32, "10.0.0.7:80"), "connection lost"),
        (socket.gaierror(-2, "db.internal"), "host name not found"),
        (ssl.SSLCertVerificationError(1, "for db.internal"), "the TLS certificate is not trusted"),
        (ssl.SSLError(1, "db.internal"), "the TLS handshake failed"),
        (OSError(113, "10.0.0.7"), "not reachable"),
        (TimeoutError("10.0.0.7"), "no answer within 1 s"),
        (asyncio.IncompleteReadError(b"secret", 9), "closed before the answer was complete"),
        (asyncio.LimitOverrunError("10.0.0.7", 1), "the answer is too long"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_failures_are_told_in_our_own_words(error, detail):
    assert await detail_of(error) == detail


async def test_time_is_bounded():
    async with asyncio.timeout(2):
        result = await attempt(0.01, asyncio.Event().wait)
    assert (result.ok, result.detail) == (False, "no answer within 0.01 s")


async def test_a_fault_of_our_own_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        await detail_of(ZeroDivisionError())


async def test_an_answer():
    async def ask() -> str:
        return "fine"

    result = await attempt(1.0, ask)
    assert (result.ok, result.detail) == (True, "fine")
    assert result.latency >= 0.0


async def test_nothing_is_sent_into_a_closed_connection():
    class Closing:
        def is_closing(self):
            return True

    with pytest.raises(ConnectionResetError):
        send(Closing(), b"PING")
