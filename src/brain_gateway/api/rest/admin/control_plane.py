"""What the endpoints of the administrative API work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from brain_gateway.api.rest.admin.event_stream import EventStreams
from brain_gateway.application.bus import CommandBus, QueryBus
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.work import Describe
from brain_gateway.schemas.building import ServiceBuilder

Purge = Callable[[str | None, str | None, str | None, bool], Awaitable[int]]
"""Forget cached answers: of a tenant (None: of callers without credentials), a service's key, a path, whether the path
is a prefix; how many there were. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """The buses and what they do not know.

    describe: documents of aggregates, as the command bus has it. parse: the text of a gateway.yaml (or JSON) to what it
    declares, taking nothing from the environment; raises ConfigurationError. draining: whether this process ends.
    gateway_health: of what the gateway itself needs, for its operator. clock: monotonic seconds. new_id: unique texts.
    The last four are the server's settings of these names.
    """

    commands: CommandBus
    queries: QueryBus
    events: EventBus
    describe: Describe
    parse: Callable[[str], GatewayConfiguration]
    purge: Purge
    draining: Callable[[], bool]
    clock: Callable[[], float]
    new_id: Callable[[], str]
    gateway_health: Callable[[], Mapping[str, object]] = dict
    streams: EventStreams = field(default_factory=EventStreams)
    registry_enabled: bool = True
    host_template: str = "http://{name}:{port}"
    health_check_interval: float = 30.0
    auto_discovery: bool = False

    def builder(self) -> ServiceBuilder:
        """Makes services out of documents."""
        return ServiceBuilder(self.host_template, self.health_check_interval, self.auto_discovery)
