"""One instance of a service: where to connect."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from brain_gateway.domain.errors import ConfigurationError

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_WEIGHT = 65_535
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """Scheme ("http" | "https"), host (a name, IPv4, or IPv6 without brackets), port and weight (0: drained).

    server_name: what it is called, in Host and TLS; the host itself unless given. It is no part of the origin.
    guarded: a connection is made only to addresses that a tenant may name (TargetRule). refused: it stands, under the
    name that was looked up, for instances at other addresses: it is never connected to, nor is told where they are.
    Raises ConfigurationError for anything that cannot be connected to.
    """

    scheme: str
    host: str
    port: int
    weight: int = 1
    server_name: str = ""
    guarded: bool = False
    refused: bool = False
    authority: str = field(init=False, repr=False, compare=False, default="")
    origin: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        if self.scheme not in DEFAULT_PORTS:
            raise ConfigurationError(f'target scheme "{self.scheme}" is neither http nor https')
        if not 1 <= self.port <= 65_535:
            raise ConfigurationError(f"target port {self.port} is not within 1..65535")
        if not 0 <= self.weight <= MAX_WEIGHT:
            raise ConfigurationError(f"target weight {self.weight} is not within 0..{MAX_WEIGHT}")
        host = canonical_host(self.host)
        object.__setattr__(self, "host", host)
        object.__setattr__(
            self, "server_name", canonical_host(self.server_name) if self.server_name else host
        )
        object.__setattr__(self, "authority", f"{_shown(host)}:{self.port}")
        object.__setattr__(self, "origin", f"{self.scheme}://{self.authority}")

    @classmethod
    def parse(cls, text: str, weight: int = 1) -> Target:
        """The target in "scheme://host[:port]" (RFC 3986; IPv6 in brackets; port 80 or 443 when absent).

        Raises ConfigurationError: a path belongs in the service's prefix, credentials do not belong in a URL.
        """
        scheme, mark, rest = text.partition("://")
        if not mark or scheme.lower() not in DEFAULT_PORTS:
            raise ConfigurationError(f'target "{text}": write http://host:port or https://host:port')
        if "@" in rest:
            raise ConfigurationError("a target carries no user name or password: remove what is before the @")
        if any(mark in rest for mark in "/?#"):
            raise ConfigurationError(
                f'target "{text}": end it after the port; a path belongs in the prefix of the service'
            )
        found = _AUTHORITY.fullmatch(rest)
        if found is None:
            raise ConfigurationError(f'target "{text}": "{rest}" is not host:port (IPv6 goes in brackets)')
        return cls(scheme.lower(), found["host"], _port(found["port"], scheme.lower()), weight)

    @property
    def host_header(self) -> str:
        """The Host value that names it (RFC 9110 section 7.2): no port where it is the scheme's own."""
        host = _shown(self.server_name)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def drained(self) -> bool:
        """Whether no new request may go there."""
        return self.weight == 0

    def reweighted(self, weight: int) -> Target:
        """The same place with another weight."""
        return replace(self, weight=weight)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_address(host: str) -> bool:
    """Whether a canonical host is an IP address, not a name."""
    return ":" in host or host.rsplit(".", 1)[-1].isdecimal()


def _port(digits: str | None, scheme: str) -> int:
    return DEFAULT_PORTS[scheme] if digits is None else int(digits)


def canonical_host(text: str) -> str:
    """A host in lower case without brackets, or ConfigurationError (RFC 1123 names, underscores allowed)."""
    try:
        if text.startswith("[") and text.endswith("]"):
            return str(_ipv6(text[1:-1]))
        if ":" in text:
            return str(_ipv6(text))
        host = text.lower()
        if host.removesuffix(".").rsplit(".", 1)[-1].isdecimal():
            return str(IPv4Address(host))
    except AddressValueError:
        raise ConfigurationError(f'target host "{text}" is not an IP address') from None
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ConfigurationError(
            f'target host "{text}" is not a host name: letters, digits, - and . (write other scripts as xn--)'
        )
    return host


def _ipv6(text: str) -> IPv6Address:
    if "%" in text:
        raise ConfigurationError(f'target host "{text}": zone identifiers are not taken')
    return IPv6Address(text)
