"""What a service's owner may set: one frozen policy per concern. Each raises ConfigurationError for what
cannot be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from math import isfinite

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.load_balancer import check_strategy
from brain_gateway.domain.routing.http_method import is_method

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)  # RFC 9110 section 5.1
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s,*]+", re.ASCII)  # RFC 6454 section 6.2


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; 0: none. connect: to be connected. response: to the first byte of the answer. idle: between
    two bytes either way. total: the whole exchange."""

    connect: float = 5.0
    response: float = 30.0
    idle: float = 60.0
    total: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            _check_seconds(f"timeouts: {name}", getattr(self, name), least=0.0)


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """The CORS protocol of the Fetch standard: which origins may call from a browser, and how. max_age in
    seconds.
    """

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age: float = 600.0

    def __post_init__(self) -> None:
        for origin in self.origins:
            if origin not in ("*", "null") and not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f'cors: "{origin}" is not an origin; write https://host[:port], lower case, no path'
                )
        if self.credentials and not {"*", "null"}.isdisjoint(self.origins):
            raise ConfigurationError('cors: credentials need named origins; replace "*" or "null"')
        for method in self.methods:
            if not is_method(method):
                raise ConfigurationError(f'cors: "{method}" is not an HTTP method')
        for name in self.headers + self.expose:
            if not _FIELD_NAME.fullmatch(name):
                raise ConfigurationError(f'cors: "{name}" is not a header name')
        _check_seconds("cors: max_age", self.max_age, least=0.0)


class ProbeType(StrEnum):
    """How a target is asked whether it is well; NONE: only passing traffic tells."""

    HTTP = "http"
    TCP = "tcp"
    GRPC = "grpc"
    REDIS = "redis"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """A probe every `interval` seconds that may take `timeout`; how many in a row bring a target up or down.

    type: a ProbeType. path: for HTTP, starts with "/"; not under the prefix of the service.
    """

    type: str = "http"
    path: str = "/health"
    interval: float = 30.0
    timeout: float = 2.0
    healthy_after: int = 2
    unhealthy_after: int = 3

    def __post_init__(self) -> None:
        if self.type not in list(ProbeType):
            raise ConfigurationError(f'probe: unknown type "{self.type}"; use one of {", ".join(ProbeType)}')
        if not re.fullmatch(r"/[!-~]*", self.path):
            raise ConfigurationError(f'probe: path "{self.path}" does not start with / or is not plain ASCII')
        _check_seconds("probe: interval", self.interval, least=0.001)
        _check_seconds("probe: timeout", self.timeout, least=0.001)
        if self.healthy_after < 1 or self.unhealthy_after < 1:
            raise ConfigurationError("probe: healthy_after and unhealthy_after must be at least 1")


@dataclass(frozen=True, slots=True)
class BalancerPolicy:
    """A strategy of `load_balancer.STRATEGIES`; hash_on: "tenant" or "header:NAME", for consistent_hash."""

    strategy: str = "round_robin"
    hash_on: str = "tenant"

    def __post_init__(self) -> None:
        check_strategy(self.strategy)
        source, _, name = self.hash_on.partition(":")
        if self.hash_on != "tenant" and (source != "header" or not _FIELD_NAME.fullmatch(name)):
            raise ConfigurationError(f'balancer: hash_on "{self.hash_on}" is neither tenant nor header:NAME')


MOST_CACHED_BODY = 64 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How a route's answers are cached (RFC 9111), beside what they say themselves.

    default_ttl: seconds that an answer is fresh which says nothing of it; None: at most a guess from Last-Modified.
    stale_if_error: seconds after its lifetime that an answer may stand in for an error of the service (RFC 5861),
    where the service says nothing. max_body: bytes of the longest that is stored. per_user: each user's answers are
    kept apart. client_control: whether callers' Cache-Control and Pragma count.
    """

    default_ttl: float | None = None
    stale_if_error: float = 0.0
    max_body: int = 1024 * 1024
    per_user: bool = False
    client_control: bool = True

    def __post_init__(self) -> None:
        if self.default_ttl is not None:
            _check_seconds("cache: default_ttl", self.default_ttl, least=0.0)
        _check_seconds("cache: stale_if_error", self.stale_if_error, least=0.0)
        if not 1 <= self.max_body <= MOST_CACHED_BODY:
            raise ConfigurationError(
                f"cache: max_body must be 1 to {MOST_CACHED_BODY} bytes, not {self.max_body}"
            )


def _check_seconds(what: str, seconds: float, *, least: float) -> None:
    if not isfinite(seconds) or seconds < least:
        raise ConfigurationError(f"{what} must be at least {least} seconds, not {seconds}")
