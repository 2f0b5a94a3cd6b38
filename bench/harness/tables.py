"""Generated gateway configurations of any size, all services alike, and the load that walks over them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .rig import Rig
from .servers import write_template
from .workload import TENANT

SERVICE = "service-{:05d}"
# printf form of the same path, for the Lua script: service, route, id.
PATH_FORMAT = "/service-%05d/resource-%d/%d"
UNREACHABLE = "{requests: 100000000, window: 60}"


@dataclass(frozen=True)
class Shape:
    """How many services with how many routes each, and how many tenants are written into the file."""

    services: int
    routes: int
    tenants: int = 0

    @property
    def first_path(self) -> str:
        """A path that the table routes."""
        return PATH_FORMAT % (0, 0, 1)


def write_config(rig: Rig, shape: Shape) -> Path:
    """Write a gateway.yaml of that shape (typed parameters, strict, every target the upstream)."""
    file = rig.folder / f"gateway-{shape.services}.yaml"
    with file.open("w") as output:
        output.writelines(f"{line}\n" for line in _lines(shape))
    return file


def write_script(rig: Rig, shape: Shape, spread: int) -> Path:
    """Write the wrk script that asks for `spread` services in turn, evenly over the table, on every route."""
    return write_template(
        rig,
        "spread.lua",
        f"{shape.services}-{spread}",
        services=min(spread, shape.services),
        total=shape.services,
        routes=shape.routes,
        path=PATH_FORMAT,
    )


def _lines(shape: Shape) -> Iterator[str]:
    yield "packaged_services: false"
    yield f"limits: {{default: {UNREACHABLE}, agents: {UNREACHABLE}, admin: {UNREACHABLE}}}"
    yield "services:"
    for service in range(shape.services):
        yield f"  {SERVICE.format(service)}:"
        yield "    kind: backend"
        yield "    prefix: /api/v1"
        yield '    targets: ["${BENCH_UPSTREAM}"]'
        yield "    strict: true"
        yield "    routes:"
        for route in range(shape.routes):
            yield f'      - {{path: "/resource-{route}/{{id:int}}", methods: [GET, PUT], roles: [client]}}'
    if shape.tenants:
        yield "tenants:"
        yield f"  {TENANT}: {{name: Bench}}"
    for number in range(shape.tenants):
        yield f"  {uuid.UUID(int=number + 1)}: {{name: Tenant {number}}}"
