"""Where the targets of a service are looked up, and what becomes of the instances that are found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.target import DEFAULT_PORTS, MAX_WEIGHT, Target, canonical_host, is_address

MOST_INSTANCES = 1000  # of one name: as many targets as a service may have
_SRV_LABELS = re.compile(r"\A(?:_[^.]+\.)+")  # RFC 2782: _service._protocol before the domain


class DiscoveryType(StrEnum):
    """Who is asked."""

    DNS = "dns"


class RecordType(StrEnum):
    """What DNS is asked for; AUTO: A, and AAAA where there is no A."""

    A = "A"
    AAAA = "AAAA"
    SRV = "SRV"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Instance:
    """One place where a service runs: an IP address, its port (None: the policy's) and its weight."""

    address: str
    port: int | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is asked, and how often; services that ask alike share one answer. Times in seconds.

    type: a DiscoveryType. record: a RecordType. Between two questions pass at least `min_interval` and at most
    `max_interval`, whatever an answer says of itself. empty_after: how long a name must have been denied until
    the denial is believed (0: never). Raises ConfigurationError.
    """

    name: str
    type: str = "dns"
    record: str = "auto"
    min_interval: float = 1.0
    max_interval: float = 30.0
    empty_after: float = 300.0

    def __post_init__(self) -> None:
        if self.type not in list(DiscoveryType):
            raise ConfigurationError(f'discovery: unknown type "{self.type}"; use {", ".join(DiscoveryType)}')
        if self.record not in list(RecordType):
            raise ConfigurationError(
                f'discovery: unknown record "{self.record}"; use one of {", ".join(RecordType)}'
            )
        name = canonical_host(self.name)
        if is_address(name):
            raise ConfigurationError(f"discovery: {name} is an address: write it as a target")
        object.__setattr__(self, "name", name)
        times = (self.min_interval, self.max_interval, self.empty_after)
        if not all(map(isfinite, times)) or not 0.0 < self.min_interval <= self.max_interval:
            raise ConfigurationError("discovery: min_interval must be above 0 and at most max_interval")
        if self.empty_after < 0.0:
            raise ConfigurationError("discovery: empty_after must be at least 0 (0: never)")

    def renewal(self, valid_for: float, entropy: float) -> float:
        """Until an answer that holds `valid_for` seconds is asked for anew: a little before its end, by
        entropy in [0, 1), so that processes spread."""
        return max(self.min_interval, min(valid_for, self.max_interval) * (0.9 + 0.1 * entropy))

    def retry(self, failures: int, entropy: float) -> float:
        """Until the next question after so many (at least 1) failures in a row: doubling, with jitter."""
        wait = min(self.min_interval * 2.0 ** min(failures - 1, 30), self.max_interval)
        return max(self.min_interval, wait * (0.8 + 0.2 * entropy))


@dataclass(frozen=True, slots=True)
class DiscoveryPolicy:
    """How one service is looked up, and how its instances are spoken to.

    scheme: "http" | "https". port: for instances that bring none; needed unless SRV tells it. server_name: Host
    and TLS name of every instance; "": the name that was looked up, without the labels of SRV (RFC 9525 section
    6.1: who asked for a name expects that name, not one that the answer has put in its place).
    Raises ConfigurationError.
    """

    lookup: Lookup
    port: int | None = None
    scheme: str = "http"
    server_name: str = ""

    def __post_init__(self) -> None:
        if self.scheme not in DEFAULT_PORTS:
            raise ConfigurationError(f'discovery: scheme "{self.scheme}" is neither http nor https')
        if self.port is None and self.lookup.record != RecordType.SRV:
            raise ConfigurationError("discovery: needs a port: only SRV records tell one")
        if self.port is not None and not 1 <= self.port <= 65_535:
            raise ConfigurationError(f"discovery: port {self.port} is not within 1..65535")
        asked = self.lookup.name
        domain = _SRV_LABELS.sub("", asked) if self.lookup.record == RecordType.SRV else asked
        name = self.server_name or domain
        object.__setattr__(self, "server_name", canonical_host(name).removesuffix("."))

    @property
    def unanswered(self) -> tuple[Target, ...]:
        """The targets while nothing was found yet: the name itself, where it can be connected to."""
        if self.port is None or self.lookup.name.startswith("_"):
            return ()
        return (Target(self.scheme, self.lookup.name, self.port, server_name=self.server_name),)

    def targets(self, instances: Iterable[Instance]) -> tuple[Target, ...]:
        """The targets, one per address and port, in a stable order, MOST_INSTANCES at most; an instance without
        any port is left out."""
        found: dict[str, Target] = {}
        for one in instances:
            port = one.port or self.port
            if port is not None:
                weight = min(one.weight, MAX_WEIGHT)
                target = Target(self.scheme, one.address, port, weight, server_name=self.server_name)
                found.setdefault(target.origin, target)
        return tuple(found[origin] for origin in sorted(found)[:MOST_INSTANCES])
