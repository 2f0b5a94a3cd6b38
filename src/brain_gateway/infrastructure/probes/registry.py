"""Which probe answers to which `type` of a probe policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from brain_gateway.application.ports.address_guard import AddressGuard
from brain_gateway.application.ports.probe import Probe
from brain_gateway.infrastructure.probes.grpc import GrpcProbe
from brain_gateway.infrastructure.probes.guarded import GuardedProbe
from brain_gateway.infrastructure.probes.http import HttpProbe
from brain_gateway.infrastructure.probes.none import NoProbe
from brain_gateway.infrastructure.probes.redis import RedisProbe
from brain_gateway.infrastructure.probes.shared import SharedProbe
from brain_gateway.infrastructure.probes.tcp import TcpProbe

PROBES: Mapping[str, type[Probe]] = MappingProxyType(
    {"http": HttpProbe, "tcp": TcpProbe, "grpc": GrpcProbe, "redis": RedisProbe, "none": NoProbe}
)


def make_probes(guard: AddressGuard, clock: Callable[[], float] = time.monotonic) -> dict[str, Probe]:
    """One probe of each type, shared by those who ask the same; they hold no connections."""
    return {name: GuardedProbe(SharedProbe(make(), clock), guard) for name, make in PROBES.items()}
