"""The policies of a service: limit, balancer, breaker, retry, timeouts, probe, CORS, cache."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from brain_gateway.domain.routing.discovery import DiscoveryType, Lookup, RecordType
from brain_gateway.domain.routing.policies import MOST_CACHED_BODY, ProbeType
from brain_gateway.domain.routing.target import canonical_host
from brain_gateway.schemas.types import (
    AT_LEAST_ONE,
    MOST_TEXT,
    NOT_EMPTY,
    NUMBER,
    Duration,
    Instant,
    LowerCase,
    Method,
    Model,
    Share,
    saying,
)

_HASH_ON = re.compile(r"tenant|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _origin(text: str) -> str:
    """An origin as browsers send it (RFC 6454 section 6.2), or *."""
    parts = urlsplit(text)
    plain = parts.scheme in ("http", "https") and parts.netloc and text == f"{parts.scheme}://{parts.netloc}"
    if text != "*" and not plain:
        raise ValueError('must be an origin such as https://app.example.com (no path, no final /), or "*"')
    return text


def _field_name(text: str) -> str:
    if not _FIELD_NAME.fullmatch(text):
        raise ValueError("must be the name of a header field")
    return text


def _record(value: object) -> object:
    return {"A": "A", "AAAA": "AAAA", "SRV": "SRV", "AUTO": "auto"}.get(str(value).upper(), value)


def _looked_up(text: str) -> str:
    return saying(Lookup)(text).name


MOST_NAMES = 100  # origins, methods or fields of a CORS policy
Origin = Annotated[str, Field(max_length=300), AfterValidator(_origin)]
FieldName = Annotated[str, Field(max_length=100), AfterValidator(_field_name)]
FieldNames = Annotated[tuple[FieldName, ...], Field(max_length=MOST_NAMES)]


class LimitModel(Model):
    """How many requests pass in any window."""

    requests: Annotated[
        int, Field(ge=1, le=1_000_000_000, description="Requests that pass in any window."), NUMBER
    ]
    window: Annotated[
        Duration, Field(ge=0.001, le=86400, description="Length of the window, in seconds.")
    ] = 60.0
    burst: Annotated[int, Field(ge=1), NUMBER] | None = Field(
        default=None, description="How many may come at once; the rest is evenly spaced."
    )

    @model_validator(mode="after")
    def _burst_within_requests(self) -> Self:
        if self.burst is not None and self.burst > self.requests:
            raise ValueError(f"burst must be at most requests ({self.requests})")
        return self


class BalancerModel(Model):
    """Which target a request goes to."""

    strategy: Annotated[
        Literal["round_robin", "weighted", "least_in_flight", "power_of_two", "consistent_hash"], LowerCase
    ] = "round_robin"
    hash_on: str | None = Field(
        default=None, max_length=100, description="For consistent_hash: tenant, or header:NAME."
    )

    @model_validator(mode="after")
    def _hash_on_with_consistent_hash(self) -> Self:
        if self.strategy == "consistent_hash" and self.hash_on is None:
            raise ValueError("consistent_hash needs hash_on: tenant, or header:NAME")
        if self.strategy != "consistent_hash" and self.hash_on is not None:
            raise ValueError(f"hash_on belongs to consistent_hash, not to {self.strategy}: remove it")
        if self.hash_on is not None and not _HASH_ON.fullmatch(self.hash_on):
            raise ValueError("hash_on must be tenant, or header:NAME")
        return self


class BreakerModel(Model):
    """When a target is left alone, and how it is tried again."""

    failures: Annotated[
        int, Field(ge=1, le=1_000_000, description="Failures in a row that open it."), NUMBER
    ] = 5
    reset_timeout: Annotated[Instant, Field(le=86400, description="Seconds until it is tried again.")] = 60.0
    half_open_requests: Annotated[int, Field(ge=1, le=1000, description="Trials at a time."), NUMBER] = 1
    count_500: Annotated[bool, Field(description="Whether a 500 answer counts as a failure.")] = False


class RetryModel(Model):
    """When a request is sent again."""

    attempts: Annotated[int, Field(ge=1, le=10, description="Attempts in all; 1: never again."), NUMBER] = 2
    budget: Annotated[Share, Field(description="Share of requests that may be retries.")] = 0.2


class TimeoutsModel(Model):
    """How long the gateway waits for a target; 0: for ever."""

    connect: Annotated[Duration, Field(le=3600, description="Seconds to open a connection.")] = 5.0
    response: Annotated[Duration, Field(le=86400, description="Seconds until the answer begins.")] = 30.0
    idle: Annotated[Duration, Field(le=86400, description="Seconds between two pieces of a body.")] = 60.0
    total: Annotated[Duration, Field(le=86400, description="Seconds for the whole exchange.")] = 0.0


class DiscoveryModel(Model):
    """Where the targets of a service are looked up."""

    type: Annotated[DiscoveryType, LowerCase] = DiscoveryType.DNS
    name: Annotated[str, AfterValidator(_looked_up), Field(description="The name that is looked up.")]
    record: Annotated[
        RecordType,
        BeforeValidator(_record),
        Field(description="A, AAAA, SRV, or auto: A, and AAAA where there is no A."),
    ] = RecordType.AUTO
    port: Annotated[int, Field(ge=1, le=65535), NUMBER] | None = Field(
        default=None, description="Of the instances; default: the service's port, and what SRV records say."
    )
    scheme: Annotated[Literal["http", "https"], LowerCase] = "http"
    server_name: Annotated[str, AfterValidator(saying(canonical_host))] | None = Field(
        default=None, description="Host and TLS name of the instances. Default: the name."
    )
    min_interval: Annotated[
        Instant, Field(le=3600, description="Seconds between two look-ups, at least.")
    ] = 1.0
    max_interval: Annotated[
        Instant, Field(le=86400, description="Seconds between two look-ups, at most.")
    ] = 30.0
    empty_after: Annotated[
        Duration, Field(le=86400, description="Seconds until a denied name is given up; 0: never.")
    ] = 300.0

    @model_validator(mode="after")
    def _intervals_in_order(self) -> Self:
        if self.min_interval > self.max_interval:
            raise ValueError("min_interval must be at most max_interval")
        return self


class ProbeModel(Model):
    """How the health of a target is checked."""

    type: Annotated[ProbeType, LowerCase] = ProbeType.HTTP
    path: str | None = Field(
        default=None,
        max_length=MOST_TEXT,
        description="http: what to GET. grpc: the service name of grpc.health.v1.",
    )
    interval: Annotated[Duration, Field(ge=0.05, le=86400)] | None = Field(
        default=None, description="Seconds. Default: HEALTH_CHECK_INTERVAL."
    )
    timeout: Annotated[Instant, Field(le=3600, description="Seconds until a probe has failed.")] = 2.0
    healthy_after: Annotated[
        int, Field(ge=1, le=1000, description="Good probes in a row that bring it back."), NUMBER
    ] = 2
    unhealthy_after: Annotated[
        int, Field(ge=1, le=1000, description="Bad probes in a row that take it out."), NUMBER
    ] = 3

    @model_validator(mode="after")
    def _http_path(self) -> Self:
        if self.type is ProbeType.HTTP and self.path is not None and not re.fullmatch(r"/[!-~]*", self.path):
            raise ValueError("path must begin with / and contain no spaces")
        return self


class CorsModel(Model):
    """Which web pages of other origins may call the service (Fetch standard, section 3.2)."""

    origins: Annotated[
        tuple[Origin, ...],
        NOT_EMPTY,
        AT_LEAST_ONE,
        Field(max_length=MOST_NAMES, description="Origins that may call, or *."),
    ]
    methods: Annotated[tuple[Method, ...], Field(max_length=MOST_NAMES)] = ("GET", "HEAD", "POST")
    headers: Annotated[FieldNames, Field(description="Header fields that pages may send.")] = ()
    expose: Annotated[FieldNames, Field(description="Header fields that pages may read.")] = ()
    credentials: Annotated[bool, Field(description="Whether cookies may be sent along.")] = False
    max_age: Annotated[Duration, Field(le=86400, description="Seconds that a preflight is remembered.")] = (
        600.0
    )

    @model_validator(mode="after")
    def _no_credentials_for_everyone(self) -> Self:
        if self.credentials and "*" in self.origins:
            raise ValueError(
                'credentials: true does not go with the origin "*" (browsers refuse it): name the origins'
            )
        return self


class CacheModel(Model):
    """How answers to GET are cached (RFC 9111), beside what they say themselves."""

    default_ttl: Annotated[Duration, Field(le=31536000)] | None = Field(
        default=None, description="Seconds that an answer is fresh which says nothing of it."
    )
    stale_if_error: Annotated[
        Duration, Field(le=604800, description="Seconds that a stale answer may stand in for an error.")
    ] = 0.0
    max_body: Annotated[
        int, Field(ge=1, le=MOST_CACHED_BODY, description="Bytes of the longest body that is stored."), NUMBER
    ] = 1024 * 1024
    per_user: Annotated[bool, Field(description="Whether each user's answers are kept apart.")] = False
    client_control: Annotated[bool, Field(description="Whether callers' Cache-Control counts.")] = True
