"""The system's resolver, with answers of its own."""

from __future__ import annotations

import asyncio
import socket

import pytest

from brain_gateway.infrastructure.discovery.questions import DeniedError, SilentError
from brain_gateway.infrastructure.discovery.system import is_local, system_addresses

pytestmark = pytest.mark.anyio
FOUR, SIX = socket.AF_INET, socket.AF_INET6


@pytest.fixture
async def knows(monkeypatch):
    """Say what getaddrinfo finds, (family, address) each, or raises; gives what it was asked."""

    def prepare(*found: tuple[int, str] | Exception) -> list[tuple]:
        asked: list[tuple] = []

        async def getaddrinfo(host, port, *, family=0, type=0):
            asked.append((host, port, family, type))
            for one in found:
                if isinstance(one, Exception):
                    raise one
            return [(kind, type, 6, "", (address, 0)) for kind, address in found if family in (0, kind)]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        return asked

    return prepare


@pytest.mark.parametrize("name", ["localhost", "localhost.", "a.localhost"])
def test_names_of_this_machine(name):
    assert is_local(name)


@pytest.mark.parametrize("name", ["crm", "localhost.test", "notlocalhost"])
def test_names_of_other_machines(name):
    assert not is_local(name)


@pytest.mark.parametrize(
    ("record", "expected"),
    [("A", ("10.0.0.1", "10.0.0.2")), ("AAAA", ("fd00::1",)), ("auto", ("10.0.0.1", "10.0.0.2"))],
)
async def test_addresses_of_the_family_asked_for_each_once(knows, record, expected):
    asked = knows((SIX, "fd00::1"), (FOUR, "10.0.0.1"), (FOUR, "10.0.0.1"), (FOUR, "10.0.0.2"))
    assert await system_addresses("crm.", record) == expected
    assert asked[0][0] == "crm"
    assert asked[0][3] == socket.SOCK_STREAM


async def test_auto_takes_ipv6_where_there_is_nothing_else(knows):
    knows((SIX, "fd00::1"))
    assert await system_addresses("crm", "auto") == ("fd00::1",)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), DeniedError),
        (socket.gaierror(socket.EAI_NODATA, "No address"), DeniedError),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), SilentError),
        (OSError("secret"), SilentError),
    ],
)
async def test_failures_are_told_in_our_own_words(knows, error, expected):
    knows(error)
    with pytest.raises(expected) as caught:
        await system_addresses("crm", "auto")
    assert str(error) not in str(caught.value)
