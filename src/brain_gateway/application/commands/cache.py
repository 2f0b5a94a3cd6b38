"""Forget cached answers: whether the caller may, and that it was asked for. The cache itself is the data plane's."""

from __future__ import annotations

from dataclasses import dataclass

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import InvalidDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeCacheCommand(Command[tuple[str | None, ...]]):
    """Forget the answers kept for a tenant (None: for callers without credentials): all, those of one service by its
    name, or of one path below it, with `prefix` of all paths that begin so. Gives the keys of the services meant."""

    action = Action.PURGE_CACHE
    service: str | None = None
    path: str | None = None
    prefix: bool = False


async def purge_cache(command: PurgeCacheCommand, work: Work) -> tuple[str | None, ...]:
    """A name means the tenant's own service and the global one, which it shadows. Raises InvalidDocument."""
    if command.path is not None and command.service is None:
        raise InvalidDocument("path: needs the service that it belongs to")
    subject = f"cache/{command.service or '*'}{command.path or ''}{'*' if command.prefix else ''}"
    work.noted(command.action, subject, command.tenant_id)
    if command.service is None or command.tenant_id is None:
        return (command.service,)
    return (f"{command.tenant_id}/{command.service}", command.service)
