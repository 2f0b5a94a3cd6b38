"""Where a tenant's own services may live: a tenant must not make the gateway ask what only the gateway can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from brain_gateway.domain.errors import RoleRequired
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target

_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
_OF_PROTOCOLS = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("2001::/23"))
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
        given = ip_address(text.partition("%")[0])
        address = _plain(given)
        return _is_public(address) or any(address in net or given in net for net in self.networks)

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
    """The IPv4 address that an IPv6 one leads to: mapped (RFC 4291 section 2.5.5.2), behind a NAT64 (RFC 6052: that is
    how names of the IPv4 world resolve where there is IPv6 alone), or by 6to4 (RFC 3056)."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is anybody's on the Internet. Of IPv6 only global unicast is (RFC 4291 section 2.4): what lies outside
    of it translates to IPv4 in other ways, or is of some site."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in net for net in _OF_PROTOCOLS)
