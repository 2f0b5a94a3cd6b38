"""Keeps the data plane of this process in step with the store.

- A version that is announced (by the bus, or by a command of this process) is read at once; what was changed is read,
  and nothing else.
- Every `interval` seconds the store is asked for its version: an announcement may be lost.
- While the store is away, what was loaded last goes on. What could not be read is read when it is back.
- Large changes are taken in pieces, between which requests are served; they come into force together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from brain_gateway.application.configuration_plan import record_of
from brain_gateway.application.dto import LimitDTO, PageRequest, TenantDTO
from brain_gateway.application.gateway.data_plane import DataPlane
from brain_gateway.application.gateway.routing_table import TableRules
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.ports.unit_of_work import UnitOfWork, UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import GatewayError, StoreUnavailable
from brain_gateway.domain.resilience.rate_limit import LimitClass, LimitClasses
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.tenants import TenantStatus

PIECE = 25  # services that are read and built between two looks at the network


@dataclass(slots=True)
class _News:
    """What is read of a change, before it is put in force."""

    put: list[ServiceRoute] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    keys: list[ApiKeyRecord] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    buried: list[str] = field(default_factory=list)
    rules: TableRules | None = None


class LiveConfiguration:
    """`own_keys`: keys of this process alone (the development profile's), whatever the store says.

    `report` hears of faults that the gateway outlives, in a sentence.
    """

    def __init__(
        self,
        units: UnitsOfWork,
        plane: DataPlane,
        own_keys: Sequence[ApiKeyRecord] = (),
        report: Callable[[str], object] = lambda sentence: None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._units = units
        self._plane = plane
        self._own_keys = tuple(own_keys)
        self._report = report
        self._pause = pause
        self._lock = asyncio.Lock()
        self._announced = asyncio.Event()
        self.version = -1
        """The version in force; -1 until something was loaded."""

    @property
    def loaded(self) -> bool:
        """Whether there is a configuration to serve by."""
        return self.version >= 0

    async def load(self) -> None:
        """Read everything. Raises StoreUnavailable."""
        async with self._lock, self._units(PLATFORM, read_only=True) as unit:
            version = await unit.versions.current()
            services = [item.service for item in await unit.services.all()]
            keys = [record_of(item) for item in await unit.api_keys.all()]
            rules = _rules(await unit.limits.all(), await unit.tenants.unserved())
            self._plane.load(services, rules, (*keys, *self._own_keys))
            self.version = version

    async def refresh(self) -> None:
        """Read what has changed since the version in force. Raises StoreUnavailable."""
        if not self.loaded:
            await self.load()
            return
        async with self._lock:
            async with self._units(PLATFORM, read_only=True) as unit:
                version, changes = await unit.versions.since(self.version)
                if version == self.version:
                    return
                news = await self._read(unit, changes)
            self._put_in_force(news)
            self.version = version

    def announce(self, version: int) -> None:
        """There is a version: have it read soon, unless it is in force."""
        if version > self.version:
            self._announced.set()

    async def follow(self, interval: float) -> None:
        """Refresh whenever a version is announced, and every `interval` seconds; for ever."""
        away = False
        while True:
            try:
                async with asyncio.timeout(interval):
                    await self._announced.wait()
            except TimeoutError:
                pass
            self._announced.clear()
            try:
                await self.refresh()
            except StoreUnavailable:
                if not away:
                    self._report("the database is away: what was loaded last goes on")
                away = True
                await self._pause(min(interval, 0.25))
                continue
            except GatewayError as error:
                self._report(f"a change cannot be put in force: {error.detail}")
                continue
            if away:
                self._report("the database is back")
            away = False

    async def _read(self, unit: UnitOfWork, changes: Sequence[ConfigurationChange]) -> _News:
        kinds = {change.kind for change in changes}
        news = _News()
        if ChangeKind.EVERYTHING in kinds:
            await self._read_everything(unit, news)
            return news
        by_kind = {kind: [one for one in changes if one.kind is kind] for kind in kinds}
        await self._read_services(unit, by_kind.get(ChangeKind.SERVICE, ()), news)
        await _read_keys(unit, by_kind.get(ChangeKind.API_KEY, ()), news)
        if not kinds.isdisjoint((ChangeKind.LIMITS, ChangeKind.TENANT)):
            await _read_rules(unit, news)
        return news

    async def _read_services(
        self, unit: UnitOfWork, changes: Iterable[ConfigurationChange], news: _News
    ) -> None:
        """What is not found by its id any more was deregistered; a name that was registered anew has another id."""
        keys = {change.id: change.key for change in changes}
        ids = list(keys)
        for at in range(0, len(ids), PIECE):
            for item in await unit.services.many(ids[at : at + PIECE]):
                news.put.append(item.service)
                del keys[item.id]
            await self._pause(0)
        news.dropped = set(keys.values()) - {service.key for service in news.put}

    async def _read_everything(self, unit: UnitOfWork, news: _News) -> None:
        after = None
        while True:
            page = await unit.services.page(ServiceFilter(), PageRequest(PIECE, after))
            news.put += [item.service for item in page.items]
            after = page.next
            if after is None:
                break
            await self._pause(0)
        news.dropped = set(self._plane.services) - {service.key for service in news.put}
        for item in await unit.api_keys.all(revoked=True):
            if item.revoked_at is None:
                news.keys.append(record_of(item))
            else:
                news.forgotten.add(item.hash)
        await _read_rules(unit, news)

    def _put_in_force(self, news: _News) -> None:
        """In one go, between two requests; what closes doors first."""
        for key_hash in news.forgotten:
            self._plane.forget_key(key_hash)
        if news.rules is not None:
            self._plane.rule(news.rules)
        self._plane.drop_tenants(news.buried)
        if news.put or news.dropped:
            self._plane.change(news.put, news.dropped)
        for record in news.keys:
            self._plane.know_key(record)


async def _read_keys(unit: UnitOfWork, changes: Iterable[ConfigurationChange], news: _News) -> None:
    hashes = {change.id: change.key for change in changes}
    for item in await unit.api_keys.many(list(hashes)) if hashes else ():
        if item.revoked_at is None:
            news.keys.append(record_of(item))
            del hashes[item.id]
    news.forgotten = set(hashes.values())


async def _read_rules(unit: UnitOfWork, news: _News) -> None:
    unserved = await unit.tenants.unserved()
    news.rules = _rules(await unit.limits.all(), unserved)
    news.buried = [item.id for item in unserved if item.tenant.status is TenantStatus.DELETED]


def _rules(limits: Sequence[LimitDTO], unserved: Sequence[TenantDTO]) -> TableRules:
    return TableRules(
        limits=_classes(limits),
        tenant_limits={(one.tenant_id, one.name): one.limit for one in limits if one.tenant_id is not None},
        refused=frozenset(item.id for item in unserved),
    )


def _classes(limits: Sequence[LimitDTO]) -> LimitClasses:
    names = list(LimitClass)
    return LimitClasses(
        **{one.name: one.limit for one in limits if one.tenant_id is None and one.name in names}
    )
