"""Where a tenant's own services may live: a tenant must not make the gateway ask what only the gateway can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from brain_gateway.domain.errors import RoleRequired
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target

_INSIDE = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".svc", ".cluster.local")


@dataclass(frozen=True, slots=True)
class TargetRule:
    """Addresses that tenants may name: public ones, and those in `networks`. `anywhere`: no rule at all.

    Names without a dot, and names of inner zones, are none of theirs (unless `anywhere`); what other names resolve to
    is judged again when a connection is made (`permits_address`).
    """

    networks: Sequence[IPv4Network | IPv6Network] = ()
    anywhere: bool = False

    def permits_address(self, text: str) -> bool:
        """Whether a connection to this IP address may be made for a tenant."""
        if self.anywhere:
            return True
        address = _plain(ip_address(text.partition("%")[0]))
        return (address.is_global and not address.is_multicast) or any(
            address in net for net in self.networks
        )

    def permits(self, target: Target) -> bool:
        """Whether a tenant may name this target."""
        if self.anywhere:
            return True
        try:
            return self.permits_address(target.host)
        except ValueError:
            name = target.host.removesuffix(".")
            return "." in name and not name.endswith(_INSIDE)

    def check(self, service: ServiceRoute) -> None:
        """Raises RoleRequired that names the first target that a tenant may not name."""
        for target in service.targets:
            if not self.permits(target):
                raise RoleRequired(f"{target.origin} is an inner address: only a super_admin may name it")


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one that maps it (RFC 4291 section 2.5.5.2)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
