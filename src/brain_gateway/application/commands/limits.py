"""Set limits in place of the defaults: of a class, for everyone or one tenant, or of one tenant on one service."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import check_version
from brain_gateway.application.dto import BY_HAND, LimitDTO
from brain_gateway.application.ports.configuration_versions import ChangeKind
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import InvalidDocument, ResourceNotFound
from brain_gateway.domain.events import LimitChanged
from brain_gateway.domain.resilience.rate_limit import LimitClass, RateLimit

_SERVICE = re.compile(r"service:[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimitCommand(Command[LimitDTO]):
    """`name` as of LimitDTO; `tenant_id` None: for everyone."""

    action = Action.WRITE_LIMITS
    name: str
    limit: RateLimit
    owner: str = BY_HAND
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLimitCommand(Command[None]):
    """Back to what holds without it."""

    action = Action.WRITE_LIMITS
    name: str
    expected: int | None = None


async def set_limit(command: SetLimitCommand, work: Work) -> LimitDTO:
    """Raises InvalidDocument for a name that is none, PreconditionFailed."""
    check_name(command.name, command.tenant_id)
    found = await work.unit.limits.get(command.tenant_id, command.name)
    if found is None:
        check_version(0, command.expected)
        item = LimitDTO(
            id=work.new_id(),
            owner=command.owner,
            created_at=work.now,
            updated_at=work.now,
            tenant_id=command.tenant_id,
            name=command.name,
            limit=command.limit,
        )
        await work.unit.limits.add(item)
    else:
        check_version(found.version, command.expected)
        if found.limit == command.limit:
            return found
        item = replace(found, limit=command.limit, version=found.version + 1, updated_at=work.now)
        await work.unit.limits.save(item, found.version)
    _tell(work, found, item)
    return item


async def remove_limit(command: RemoveLimitCommand, work: Work) -> None:
    """Raises ResourceNotFound, PreconditionFailed."""
    found = await work.unit.limits.get(command.tenant_id, command.name)
    if found is None:
        raise ResourceNotFound("no such limit is set")
    check_version(found.version, command.expected)
    await work.unit.limits.remove(found.id, found.version)
    _tell(work, found, None)


def check_name(name: str, tenant_id: str | None) -> None:
    """Raises InvalidDocument for what names no limit."""
    if name in list(LimitClass):
        return
    if not _SERVICE.fullmatch(name):
        raise InvalidDocument(f"name: must be one of {', '.join(LimitClass)}, or service:NAME")
    if tenant_id is None:
        raise InvalidDocument(
            "name: service:NAME is for one tenant; for everyone, set the service's own limit"
        )


def _tell(work: Work, before: LimitDTO | None, after: LimitDTO | None) -> None:
    item = after or before
    assert item is not None
    work.noted(Action.WRITE_LIMITS, f"limit/{item.name}", item.tenant_id, before, after)
    limit = after.limit if after is not None else None
    event = LimitChanged(
        occurred_at=work.now,
        tenant_id=item.tenant_id,
        limit=item.name,
        requests=limit.requests if limit else None,
        window=limit.window if limit else None,
    )
    work.happened((event,))
    work.changed(ChangeKind.LIMITS)
