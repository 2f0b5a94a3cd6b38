"""The system's own resolver: it also knows the hosts file, and tells no TTL."""

from __future__ import annotations

import asyncio
import socket

from brain_gateway.domain.routing.discovery import RecordType
from brain_gateway.infrastructure.discovery.questions import Addresses, DeniedError, SilentError

_FAMILIES = {RecordType.A: socket.AF_INET, RecordType.AAAA: socket.AF_INET6}
_UNKNOWN = (socket.EAI_NONAME, socket.EAI_NODATA)


def is_local(name: str) -> bool:
    """Whether the name means this machine, which DNS is not to be asked for (RFC 6761 section 6.3)."""
    bare = name.removesuffix(".")
    return bare == "localhost" or bare.endswith(".localhost")


async def system_addresses(name: str, record: str) -> Addresses:
    """Addresses by getaddrinfo, in a thread; with AUTO, IPv4 where there are both. Raises DeniedError, SilentError."""
    family = _FAMILIES.get(RecordType(record), socket.AF_UNSPEC)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name.removesuffix("."), None, family=family, type=socket.SOCK_STREAM
        )
    except socket.gaierror as error:
        if error.errno in _UNKNOWN:
            raise DeniedError("there is no such name") from None
        raise SilentError("the system's resolver gave no answer") from None
    except OSError:
        raise SilentError("the system's resolver gave no answer") from None
    kinds = {one[0] for one in found}
    kept = socket.AF_INET if socket.AF_INET in kinds else socket.AF_INET6
    return tuple(dict.fromkeys(str(one[4][0]) for one in found if one[0] == kept))
