"""The address guard: names are resolved by the system, and what they resolve to is judged."""

from __future__ import annotations

import asyncio
import socket

from brain_gateway.domain.errors import UpstreamUnreachable
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.routing.target_rule import TargetRule


class SystemAddressGuard:
    """AddressGuard by getaddrinfo(3): a name that gives inner addresses as well is used by its outer ones alone."""

    def __init__(self, rule: TargetRule) -> None:
        self._rule = rule

    async def address_of(self, target: Target) -> str:
        """See the port."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                target.host, target.port, type=socket.SOCK_STREAM
            )
        except OSError as error:
            raise UpstreamUnreachable("no connection to the service") from error
        addresses = [str(place[0]) for *_, place in found]
        for address in addresses:
            if self._rule.permits_address(address):
                return address
        raise UpstreamUnreachable("no connection to the service")
