"""What a trusted proxy says of the client before it (RFC 7239; X-Forwarded-For by convention)."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.http.requests import RequestFields

_FOR = re.compile(r'(?i)(?:^|;)\s*for\s*=\s*("[^"]*"|[^;]*)')


def plain_address(address: str) -> str:
    """An address as people write it: no zone, and IPv4 as itself where a socket of both families maps it."""
    address = address.partition("%")[0]
    if not address.lower().startswith("::ffff:"):
        return address
    mapped = IPv6Address(address).ipv4_mapped
    return str(mapped) if mapped is not None else address


class TrustedProxies:
    """The networks of the proxies in front of the gateway."""

    def __init__(self, networks: tuple[IPv4Network | IPv6Network, ...]) -> None:
        self._networks = networks

    def trusts(self, address: str) -> bool:
        """Whether a peer's account of the client is believed."""
        if not self._networks:
            return False
        try:
            peer = ip_address(plain_address(address))
        except ValueError:
            return False
        return any(peer in network for network in self._networks if network.version == peer.version)


def caller_of(block: RequestFields, peer: str, trusts: Callable[[str], bool]) -> str:
    """The nearest hop that is no trusted proxy: the lists are read from the end, where only trusted hops wrote.

    An entry that is no address (`unknown`, a made-up name) ends the search at the last trusted hop.
    """
    caller = peer
    for hop in reversed(_hops(block)):
        try:
            caller = plain_address(str(ip_address(hop)))
        except ValueError:
            return caller
        if not trusts(caller):
            return caller
    return caller


def _hops(block: RequestFields) -> list[str]:
    """The chain of X-Forwarded-For, or that of Forwarded when there is none."""
    lines = [*block.more_forwarded, block.special.get(fields.FORWARDED, b"")]
    lists: dict[bytes, list[str]] = {b"x-forwarded-for": [], b"forwarded": []}
    for line in lines:
        name = line.partition(b":")[0].lower()
        if name in lists:
            lists[name] += value_of(line).decode("latin-1").split(",")
    told = lists[b"x-forwarded-for"] or [_node(element) for element in lists[b"forwarded"]]
    return [_bare(hop) for hop in told]


def _node(element: str) -> str:
    found = _FOR.search(element)
    return found[1].strip().strip('"') if found else ""


def _bare(hop: str) -> str:
    """An address without port and brackets."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
