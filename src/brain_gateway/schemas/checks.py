"""Rules over several keys of one service. One table; each entry says which keys it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from brain_gateway.domain.routing.discovery import RecordType
from brain_gateway.domain.routing.policies import ProbeType
from brain_gateway.domain.routing.service_status import ServiceKind
from brain_gateway.schemas.faults import Path
from brain_gateway.schemas.service import ServiceModel

Finding = tuple[Path, str]
"""The key at fault, below the service, and what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    """`find` is asked only while all of `keys` are readable."""

    keys: frozenset[str]
    find: Callable[[ServiceModel], Iterator[Finding]]


def is_exposed(service: ServiceModel) -> bool:
    """Whether the proxy offers it; when the file does not say, everything but internal services."""
    return service.kind is not ServiceKind.INTERNAL if service.exposed is None else service.exposed


def findings(service: ServiceModel, unreadable: frozenset[str | int] = frozenset()) -> Iterator[Finding]:
    """What is wrong with `service`, without the checks that look at an `unreadable` key."""
    for check in CHECKS:
        if not check.keys & unreadable:
            yield from check.find(service)


def _never_exposed(service: ServiceModel) -> Iterator[Finding]:
    if not service.exposed:
        return
    if service.kind is ServiceKind.INTERNAL:
        yield ("exposed",), "must be false: a service of kind internal is never offered through the proxy"
    elif service.probe is not None and service.probe.type is ProbeType.REDIS:
        yield ("exposed",), "must be false: a service with a redis probe does not speak HTTP"


def _infrastructure_has_roles(service: ServiceModel) -> Iterator[Finding]:
    if service.kind is ServiceKind.INFRASTRUCTURE and is_exposed(service) and not service.roles:
        message = "must name at least one role, since the service is infrastructure; or set exposed: false"
        yield ("roles",), message


def _strict_has_routes(service: ServiceModel) -> Iterator[Finding]:
    if service.strict and not service.routes:
        yield ("strict",), "must be false, or routes must list some: strict without routes offers nothing"


def _targets_differ(service: ServiceModel) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, target in enumerate(service.targets or ()):
        if first.setdefault(target.url, index) != index:
            yield (
                ("targets", index),
                f"repeats targets[{first[target.url]}]: remove it, or give one of them a weight",
            )


def _public_routes_ask_no_roles(service: ServiceModel) -> Iterator[Finding]:
    for index, route in enumerate(service.routes):
        if route.public and route.roles:
            yield ("routes", index, "roles"), "must be empty, since the route is public; or set public: false"


def _discovery_has_a_port(service: ServiceModel) -> Iterator[Finding]:
    policy = service.discovery
    if policy is not None and policy.record is not RecordType.SRV and policy.port is None is service.port:
        yield ("discovery",), "needs a port, since only SRV records tell one: give it one, or the service"


def ties(service: ServiceModel) -> Iterator[Finding]:
    """Pairs of routes that match the same requests. The domain refuses them too, but knows no lines: this is
    asked once it has, or when the service is not built at all.
    """
    by_shape: dict[tuple[object, ...], list[int]] = {}
    for index, route in enumerate(service.routes):
        shape = tuple(text if kind is None else kind.rank for text, kind in route.path.segments)
        by_shape.setdefault(shape, []).append(index)
    for alike in by_shape.values():
        for one, other in combinations(alike, 2):
            if _tie(service, one, other):
                text = service.routes[one].path.text
                yield (
                    ("routes", other, "path"),
                    f"ties with routes[{one}] ({text}), both match the same requests: remove one",
                )


def _tie(service: ServiceModel, one: int, other: int) -> bool:
    first, second = service.routes[one], service.routes[other]
    apart = first.methods and second.methods and set(first.methods).isdisjoint(second.methods)
    return not apart and first.path.overlaps(second.path)


CHECKS: tuple[Check, ...] = (
    Check(frozenset({"kind", "exposed", "probe"}), _never_exposed),
    Check(frozenset({"kind", "exposed", "roles"}), _infrastructure_has_roles),
    Check(frozenset({"strict", "routes"}), _strict_has_routes),
    Check(frozenset({"targets"}), _targets_differ),
    Check(frozenset({"discovery", "port"}), _discovery_has_a_port),
    Check(frozenset({"routes"}), _public_routes_ask_no_roles),
)
