"""AddressGuards that judge by a table."""

from __future__ import annotations

from brain_gateway.domain.errors import UpstreamUnreachable
from brain_gateway.domain.routing.target import Target


class NoGuard:
    """Every target is where it says."""

    async def address_of(self, target: Target) -> str:
        return target.host


class KnownAddresses:
    """Hosts and the addresses that tenants may use of them; what is not there is refused. `asked`: for which."""

    def __init__(self, **addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def address_of(self, target: Target) -> str:
        self.asked.append(target.host)
        if target.host not in self.addresses:
            raise UpstreamUnreachable("no connection to the service")
        return self.addresses[target.host]
