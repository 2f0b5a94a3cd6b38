"""A service and its routes, as the file writes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from brain_gateway.domain.routing.service_route import MOST_ROUTES, MOST_TARGETS
from brain_gateway.domain.routing.service_status import ServiceKind
from brain_gateway.domain.routing.target import MAX_WEIGHT, Target
from brain_gateway.schemas.policies import (
    BalancerModel,
    BreakerModel,
    CacheModel,
    CorsModel,
    DiscoveryModel,
    LimitModel,
    ProbeModel,
    RetryModel,
    TimeoutsModel,
)
from brain_gateway.schemas.types import (
    MOST_ROLES,
    NUMBER,
    LowerCase,
    Method,
    Model,
    Pattern,
    Prefix,
    RoleName,
    saying,
)


def _address(text: str) -> str:
    return saying(Target.parse)(text).origin


def _host_header(text: str) -> str:
    if text not in ("upstream", "preserve"):
        saying(Target.parse)(f"http://{text}")
    return text


class TargetModel(Model):
    """One instance of a service."""

    url: Annotated[str, AfterValidator(_address), Field(description="http://host:port or https://host:port.")]
    weight: Annotated[
        int, Field(ge=0, le=MAX_WEIGHT, description="Share of the traffic; 0: drained."), NUMBER
    ] = 1

    def to_domain(self) -> Target:
        """The target."""
        return Target.parse(self.url, self.weight)


def _url_alone(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


TargetEntry = Annotated[TargetModel, BeforeValidator(_url_alone, json_schema_input_type=str | TargetModel)]


def _switch(value: object) -> object:
    """`cache: true` is `cache: {}`, `cache: false` is none."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


CacheEntry = Annotated[
    CacheModel | None, BeforeValidator(_switch, json_schema_input_type=bool | CacheModel | None)
]


class RouteModel(Model):
    """Rules for some paths of a service."""

    path: Annotated[
        Pattern, Field(description="A pattern such as /campaigns/{id:int}, below the service's name.")
    ]
    methods: Annotated[tuple[Method, ...], Field(max_length=32, description="None: every method.")] = ()
    public: Annotated[bool, Field(description="Whether callers may be anonymous.")] = False
    roles: Annotated[
        tuple[RoleName, ...],
        Field(max_length=MOST_ROLES, description="Any of these is needed, beside the service's."),
    ] = ()
    limit: LimitModel | None = None
    cache: Annotated[
        CacheEntry, Field(description="Keep answers to GET and use them again, per tenant; none: never.")
    ] = None


class ServiceModel(Model):
    """One service. Every field has a default; a packaged service brings its own."""

    kind: Annotated[ServiceKind, LowerCase] = ServiceKind.BACKEND
    port: Annotated[int, Field(ge=1, le=65535), NUMBER] | None = Field(
        default=None, description="Fills {port} of the host template."
    )
    prefix: Annotated[Prefix, Field(description="Path at the target that requests are put below.")] = ""
    targets: Annotated[tuple[TargetEntry, ...], Field(max_length=MOST_TARGETS)] | None = Field(
        default=None, description="Where it is; [] for one whose instances register themselves."
    )
    discovery: DiscoveryModel | None = None
    exposed: bool | None = Field(default=None, description="Whether it is offered through the proxy.")
    roles: Annotated[
        tuple[RoleName, ...],
        Field(max_length=MOST_ROLES, description="Any of these is needed; none: every known caller."),
    ] = ()
    limit: LimitModel | None = None
    balancer: BalancerModel | None = None
    breaker: BreakerModel | None = None
    retry: RetryModel | None = None
    timeouts: TimeoutsModel | None = None
    probe: ProbeModel | None = None
    cors: CorsModel | None = None
    host_header: Annotated[
        str,
        AfterValidator(_host_header),
        Field(
            description="Host that the target sees: upstream (its own), preserve (the client's), or a name."
        ),
    ] = "upstream"
    max_body: Annotated[
        int, Field(ge=0, le=2**53, description="Longest request body in bytes; 0: no bound."), NUMBER
    ] = 0
    websocket: Annotated[bool, Field(description="Whether WebSocket upgrades pass.")] = True
    strict: Annotated[bool, Field(description="Whether only the listed routes exist.")] = False
    routes: Annotated[tuple[RouteModel, ...], Field(max_length=MOST_ROUTES)] = ()
