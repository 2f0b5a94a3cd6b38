"""Commands and queries find their handlers here: authorised in one place, one transaction each, audited, published.

A command or query is a frozen value that says whose resources it concerns (`tenant_id`, None: the platform's) and which
Action it is; its handler is a function in a plain table (`commands.HANDLERS`, `queries.HANDLERS`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from brain_gateway.application.authorization import Action, Actor, authorize
from brain_gateway.application.ports.idempotency_records import IdempotencyRecord
from brain_gateway.application.ports.unit_of_work import UnitOfWork, UnitsOfWork
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.application.work import Describe, Work
from brain_gateway.domain.errors import InvalidDocument
from brain_gateway.domain.routing.target_rule import TargetRule

Result = TypeVar("Result", covariant=True)


class Message(Protocol[Result]):
    """A command or a query; its handler gives a `Result`."""

    action: ClassVar[Action]

    @property
    def tenant_id(self) -> str | None:
        """Whose resources it concerns; None: the platform's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[Result]):
    """Root of what changes something."""

    action: ClassVar[Action]
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Generic[Result]):
    """Root of what only reads."""

    action: ClassVar[Action]
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a face renders a result: kept for a request that comes again with the same Idempotency-Key."""

    status: int
    headers: str
    body: str


@dataclass(frozen=True, slots=True)
class Once(Generic[Result]):
    """An Idempotency-Key: `caller` and `key`, the fingerprint of the request, and how its result, with the version that
    it made (0: none), is rendered to be kept (without secrets: they are shown once)."""

    caller: str
    key: str
    fingerprint: str
    render: Callable[[Result, int], Answer]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What a command gave, or the answer that it was given the first time. `version`: of the configuration, 0 when it
    did not change."""

    result: Result | None
    again: Answer | None = None
    version: int = 0


Handler = Callable[[Any, Work], Awaitable[Any]]
Preparation = Callable[[Any], AbstractAsyncContextManager[Any]]
"""What a command needs of other stores than the database. It is got while no transaction is open, so that nobody waits
for it but the caller; entered, it gives the command as its handler takes it; an error that leaves it undoes it."""
QueryHandler = Callable[[Any, UnitOfWork, Actor], Awaitable[Any]]
MemoryHandler = Callable[[Any, Actor], Any]


class CommandBus:
    """`committed(version)` is awaited after each commit: it brings this process's data plane up to date, and sends the
    events out. `unix` gives seconds since the epoch. `preparations`: of those commands that need one."""

    def __init__(
        self,
        units: UnitsOfWork,
        handlers: Mapping[type[Command[Any]], Handler],
        describe: Describe,
        committed: Callable[[int], Awaitable[None]],
        unix: Callable[[], float],
        new_id: Callable[[], str],
        entropy: Callable[[int], bytes],
        target_rule: TargetRule,
        preparations: Mapping[type[Command[Any]], Preparation] = MappingProxyType({}),
    ) -> None:
        self._units = units
        self._handlers = handlers
        self._describe = describe
        self._committed = committed
        self._unix = unix
        self._new_id = new_id
        self._entropy = entropy
        self._target_rule = target_rule
        self._preparations = preparations

    async def execute(self, actor: Actor, command: Command[Result]) -> Result:
        """Do it. Raises what authorize and the handler raise, Conflict, PreconditionFailed, StoreUnavailable."""
        outcome = await self.execute_once(actor, command, None)
        return outcome.result  # type: ignore[return-value]  # without a key there is always a result

    async def execute_once(
        self, actor: Actor, command: Command[Result], once: Once[Result] | None
    ) -> Outcome[Result]:
        """Do it, unless it was done before under the same key. Raises InvalidDocument when that was another request."""
        authorize(actor, command.action, command.tenant_id)
        preparation = self._preparations.get(type(command))
        if preparation is None:
            return await self._transact(actor, command, once)
        if once is not None and (known := await self._known(command, once)):
            return Outcome(None, _again(known, once.fingerprint))
        async with preparation(command) as prepared:
            return await self._transact(actor, prepared, once)

    async def _transact(
        self, actor: Actor, command: Command[Result], once: Once[Result] | None
    ) -> Outcome[Result]:
        async with self._units(scope_of(command.tenant_id)) as unit:
            if once is not None and (known := await unit.idempotency.find(once.caller, once.key)):
                return Outcome(None, _again(known, once.fingerprint))
            work = self._work(unit, actor)
            result: Result = await self._handlers[type(command)](command, work)
            version = await work.close()
            if once is not None:
                kept = await asyncio.to_thread(once.render, result, version)  # megabytes of a large plan
                await unit.idempotency.add(_record(once, kept, work.now))
            await unit.commit()
        if work.events or version:
            await self._committed(version)
        for follow in work.afterwards:
            await follow()
        return Outcome(result, None, version)

    async def _known(self, command: Command[Result], once: Once[Result]) -> IdempotencyRecord | None:
        """The answer that was given before, if nothing is to be prepared any more."""
        async with self._units(scope_of(command.tenant_id), read_only=True) as unit:
            return await unit.idempotency.find(once.caller, once.key)

    def _work(self, unit: UnitOfWork, actor: Actor) -> Work:
        return Work(unit, actor, self._unix(), self._new_id, self._entropy, self._describe, self._target_rule)


class QueryBus:
    """Answers queries, each in one transaction that only reads; those of `remembered` from memory, so that they are
    answered while the store is away."""

    def __init__(
        self,
        units: UnitsOfWork,
        handlers: Mapping[type[Query[Any]], QueryHandler],
        remembered: Mapping[type[Query[Any]], MemoryHandler] = MappingProxyType({}),
    ) -> None:
        self._units = units
        self._handlers = handlers
        self._remembered = remembered

    async def ask(self, actor: Actor, query: Query[Result]) -> Result:
        """Answer it. Raises what authorize and the handler raise, StoreUnavailable."""
        authorize(actor, query.action, query.tenant_id)
        if (recall := self._remembered.get(type(query))) is not None:
            known: Result = recall(query, actor)
            return known
        async with self._units(scope_of(query.tenant_id), read_only=True) as unit:
            found: Result = await self._handlers[type(query)](query, unit, actor)
        return found


def scope_of(tenant_id: str | None) -> Scope:
    """The narrowest scope for what a tenant (None: the platform) owns."""
    return PLATFORM if tenant_id is None else Scope(tenant_id)


def _again(known: IdempotencyRecord, fingerprint: str) -> Answer:
    if known.fingerprint != fingerprint:
        raise InvalidDocument("this Idempotency-Key was used for another request; take a new one")
    return Answer(known.status, known.headers, known.body)


def _record(once: Once[Any], answer: Answer, now: float) -> IdempotencyRecord:
    return IdempotencyRecord(
        caller=once.caller,
        key=once.key,
        fingerprint=once.fingerprint,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        created_at=now,
    )
