"""The statements that read services one by one, made once: to make a statement takes longer than to run it.

Each is for a scope that sees everything, or for a tenant's, whose id is the parameter `scope`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Select, Table, bindparam, null, select, union_all

from brain_gateway.infrastructure.sql.repository import seen_by
from brain_gateway.infrastructure.sql.tables import routes, services, targets

_OF_TARGETS = ("origin", "weight", "server_name", "guarded", "lease_id", "lease_expires_at")
_OF_ROUTES = ("pattern", "methods", "settings")


@cache
def by_id(everywhere: bool) -> Select[Any]:
    """The row with `id`."""
    return select(services).where(services.c.id == bindparam("id"), seen_by(services, everywhere))


@cache
def by_ids(everywhere: bool) -> Select[Any]:
    """The rows with one of `ids`."""
    wanted = services.c.id.in_(bindparam("ids", expanding=True))
    return select(services).where(wanted, seen_by(services, everywhere))


@cache
def by_name(everywhere: bool) -> Select[Any]:
    """The row with `owner` and `name`."""
    columns = services.c
    wanted = (columns.tenant_id == bindparam("owner"), columns.name == bindparam("name"))
    return select(services).where(*wanted, seen_by(services, everywhere))


@cache
def parts(everywhere: bool) -> CompoundSelect[Any]:
    """The targets and the routes (these have a `pattern`) of services with one of `ids`, each in its order."""
    both = union_all(_part(targets, everywhere), _part(routes, everywhere))
    return both.order_by("service_id", "position")


def _part(table: Table, everywhere: bool) -> Select[Any]:
    columns = table.c
    own = (columns[name] if name in columns else null().label(name) for name in (*_OF_TARGETS, *_OF_ROUTES))
    wanted = columns.service_id.in_(bindparam("ids", expanding=True))
    return select(columns.service_id, columns.position, *own).where(wanted, seen_by(table, everywhere))
