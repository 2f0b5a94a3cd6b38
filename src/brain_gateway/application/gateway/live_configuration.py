"""Keeps the data plane of this process in step with the store.

- A version that is announced (by the bus, or by a command of this process) is read at once; what was changed is read,
  and nothing else.
- Every `interval` seconds the store is asked for its version: an announcement may be lost.
- While the store is away, what was loaded last goes on. What could not be read is read when it is back.
- A service that this version cannot put in force (its row means nothing here, say) stops no other: it goes on in its
  last good form, or stays out when there is none, until it is changed.
- What closes doors (keys, tenants, limits) comes first, whatever else there is to read. Many services are taken in
  pieces, between which requests are served.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from brain_gateway.application.configuration_plan import record_of
from brain_gateway.application.dto import LimitDTO, PageRequest, ServiceRegistrationDTO, TenantDTO
from brain_gateway.application.gateway.data_plane import DataPlane
from brain_gateway.application.gateway.routing_table import TableRules
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.ports.unit_of_work import UnitOfWork, UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import ConfigurationError, GatewayError, StoreUnavailable
from brain_gateway.domain.resilience.rate_limit import LimitClass, LimitClasses
from brain_gateway.domain.routing.policies import ProbePolicy, ProbeType
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.tenants import TenantStatus

PIECE = 10  # services that are put in force between two looks at the network
PAGE = 200  # services that are read at once (the store looks at the network meanwhile)
AGAIN = 0.25  # seconds, at most, between two attempts while the store is away
MANY_OLD = 50  # announcements in a row of what is in force; an ordinary change has a few
Changes = Sequence[ConfigurationChange]
Item = TypeVar("Item")


class LiveConfiguration:
    """`own_keys`: keys of this process alone (the development profile's), whatever the store says.

    `report` hears of faults that the gateway outlives, in a sentence. `keep` is called when much was made that stays
    (a garbage collector need not look at it).
    """

    def __init__(
        self,
        units: UnitsOfWork,
        plane: DataPlane,
        own_keys: Sequence[ApiKeyRecord] = (),
        report: Callable[[str], object] = lambda sentence: None,
        keep: Callable[[], object] = lambda: None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._units = units
        self._plane = plane
        self._own_keys = {record.hash: record for record in own_keys}
        self._report = report
        self._keep = keep
        self._pause = pause
        self._clock = clock
        self._lock = asyncio.Lock()
        self._announced = asyncio.Event()
        self._fault = ""
        self._newest = -1
        self._old = 0
        self._ids: dict[str, str] = {}  # of the services in force, by key
        self.version = -1
        """The version in force; -1 until something was loaded."""
        self.refreshes = self.failures = 0
        """How often the store was asked what has changed, and how often that, or putting it in force, failed."""
        self._refreshed_at = clock()
        self.unfit: dict[str, str] = {}
        """Why services (by key) are not in force as they are stored."""

    @property
    def age(self) -> float:
        """Seconds since what is in force was last known to be what is stored (before that: since the start)."""
        return self._clock() - self._refreshed_at

    def part(self) -> dict[str, object]:
        """The part of the health document that is for the gateway's operator."""
        return {"version": self.version, **({"unfit": dict(self.unfit)} if self.unfit else {})}

    @property
    def remark(self) -> str | None:
        """For everybody who asks whether this process is ready: without names."""
        count = len(self.unfit)
        return f"services that are not in force as they are stored: {count}; see the log" if count else None

    @property
    def loaded(self) -> bool:
        """Whether there is a configuration to serve by."""
        return self.version >= 0

    async def refresh(self, wanted: int | None = None) -> None:
        """Read what has changed since the version in force; everything, when there is none yet. Nothing is asked when
        a version `wanted` came into force while others were at it.

        Raises StoreUnavailable, and other GatewayErrors for what cannot be put in force; what was read before it is.
        """
        async with self._lock:
            if wanted is not None and self.version >= wanted:
                return
            self.refreshes += 1
            try:
                await self._follow_store()
            except Exception:  # counted, and raised as it is
                self.failures += 1
                raise
            self._refreshed_at = self._clock()

    async def _follow_store(self) -> None:
        async with self._units(PLATFORM, read_only=True) as unit:
            version, changes = await self._changes(unit)
            if version == self.version:
                return
            kinds = {change.kind for change in changes}
            await self._follow_rules(unit, kinds)
            await self._follow_keys(unit, kinds, changes)
            put, dropped = await self._read_services(unit, kinds, changes)
        await self._put_in_force(put, dropped)
        if not self.loaded:
            self._plane.complete()
        self.version = version

    def announce(self, version: int) -> None:
        """There is a version: have it read soon, unless it is in force. Many that are old mean that a large change is
        still being told of: what came after it is announced late, so it is looked for."""
        if version <= self.version:
            self._old += 1
            if self._old < MANY_OLD:
                return
            version = self.version + 1
        self._old = 0
        self._newest = max(self._newest, version)
        self._announced.set()

    async def committed(self, version: int) -> None:
        """This process has made a version: it is in force here when this returns, unless the store went away since,
        or its reading takes longer than others that wait (then it follows by itself)."""
        try:
            await self.refresh(version)
        except GatewayError as error:
            self._tell(error)
            self.announce(version)

    async def follow(self, interval: float) -> None:
        """Refresh whenever a version is announced, and every `interval` seconds; for ever."""
        again = False
        while True:
            wanted = None if again else await self._news(interval)
            again = False
            try:
                await self.refresh(wanted)
            except StoreUnavailable as error:
                self._tell(error)
                await self._pause(min(interval, AGAIN))
                again = True
            # What breaks on one change must not end the following of all that come after it.
            except Exception as error:
                self._tell(error)
            else:
                self._recovered()

    async def _news(self, interval: float) -> int | None:
        """The newest version that was announced; None when nothing was for so long."""
        try:
            async with asyncio.timeout(interval):
                await self._announced.wait()
        except TimeoutError:
            return None
        self._announced.clear()
        return self._newest

    def _tell(self, error: Exception) -> None:
        """Once for each fault, not at each attempt."""
        if isinstance(error, StoreUnavailable):
            fault = "the database is away: what was loaded last goes on"
        elif isinstance(error, GatewayError):
            fault = f"a change cannot be put in force: {error.detail}"
        else:
            fault = f"a change cannot be put in force: {type(error).__name__}"
            context = {"message": "the following of the configuration broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        if fault != self._fault:
            self._fault = fault
            self._report(fault)

    def _recovered(self) -> None:
        if self._fault:
            self._fault = ""
            self._report("the configuration is up to date again")

    async def _changes(self, unit: UnitOfWork) -> tuple[int, Changes]:
        if self.loaded:
            return await unit.versions.since(self.version)
        return await unit.versions.current(), (ConfigurationChange(ChangeKind.EVERYTHING),)

    async def _follow_keys(self, unit: UnitOfWork, kinds: set[ChangeKind], changes: Changes) -> None:
        hashes = {change.id: change.key for change in changes if change.kind is ChangeKind.API_KEY}
        if ChangeKind.EVERYTHING in kinds:
            found = await unit.api_keys.all()
            revoked = set(self._plane.keys())
        elif hashes:
            found = [item for item in await unit.api_keys.many(list(hashes)) if item.revoked_at is None]
            revoked = set(hashes.values())
        else:
            return
        records = {**{item.hash: record_of(item) for item in found}, **self._own_keys}
        self._plane.change_keys(records.values(), revoked - records.keys())

    async def _follow_rules(self, unit: UnitOfWork, kinds: set[ChangeKind]) -> None:
        if kinds.isdisjoint((ChangeKind.LIMITS, ChangeKind.TENANT, ChangeKind.EVERYTHING)):
            return
        unserved = await unit.tenants.unserved()
        self._plane.rule(_rules(await unit.limits.all(), unserved))
        self._plane.delete_tenants(item.id for item in unserved if item.tenant.status is TenantStatus.DELETED)
        self._plane.change_keys(self._own_keys.values(), ())

    async def _read_services(
        self, unit: UnitOfWork, kinds: set[ChangeKind], changes: Changes
    ) -> tuple[list[ServiceRegistrationDTO], set[str]]:
        """Those to route to, and the keys of those that are no more. What is not found by its id any more was
        deregistered; a name that was registered anew has another id."""
        if ChangeKind.EVERYTHING in kinds:
            put = await self._every_service(unit)
            gone = set(self._plane.services)
        else:
            keys = {change.id: change.key for change in changes if change.kind is ChangeKind.SERVICE}
            put, gone = [], set(keys.values())
            for ids in _pieces(list(keys), PAGE):
                put += await unit.services.many(ids)
        return put, gone - {item.service.key for item in put}

    async def _every_service(self, unit: UnitOfWork) -> list[ServiceRegistrationDTO]:
        found: list[ServiceRegistrationDTO] = []
        page = PageRequest(PAGE, None)
        while True:
            part = await unit.services.page(ServiceFilter(), page)
            found += part.items
            self._keep()
            if part.next is None:
                return found
            page = PageRequest(PAGE, part.next)

    async def _put_in_force(self, put: list[ServiceRegistrationDTO], dropped: set[str]) -> None:
        """A piece at a time; before there is anything to serve by, in one go, so that nothing is served by a part."""
        for keys in _pieces(list(dropped)):
            self._plane.change((), keys)
            for key in keys:
                self._ids.pop(key, None)
                self.unfit.pop(key, None)
            await self._breathe()
        for items in _pieces(put):
            try:
                self._change(items)
            except ConfigurationError:
                for item in items:
                    self._change_one(item)
            await self._breathe()
        if len(put) > PAGE:
            self._keep()

    def _change(self, items: Sequence[ServiceRegistrationDTO]) -> None:
        """Raises ConfigurationError when one of them does not fit."""
        if any(item.broken for item in items):
            raise ConfigurationError
        self._plane.change([item.service for item in items])
        for item in items:
            self._ids[item.service.key] = item.id
            if self.unfit.pop(item.service.key, None) is not None:
                self._report(f"service {item.service.key} is in force as it is stored again")

    def _change_one(self, item: ServiceRegistrationDTO) -> None:
        """A service that does not fit leaves in force what it was; never what another one of its name was."""
        key = item.service.key
        try:
            self._change((item,))
            return
        except ConfigurationError as error:
            fault = "; ".join(error.faults) or "what is stored means nothing to this version"
        kept = self._ids.get(key) == item.id
        if not kept:
            self._ids.pop(key, None)
            self._plane.change((_closed(item.service),))
        how = "it goes on as it was" if kept else "it stays out"
        if self.unfit.get(key) != fault:
            self.unfit[key] = fault
            self._report(f"service {key} cannot be put in force, and {how}: {fault}")

    async def _breathe(self) -> None:
        if self.loaded:
            await self._pause(0)


def _pieces(items: list[Item], size: int = PIECE) -> Iterable[list[Item]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _closed(service: ServiceRoute) -> ServiceRoute:
    """What takes a service's name, so that no global one shows through, and lets nobody in."""
    probe = ProbePolicy(type=ProbeType.NONE)
    return ServiceRoute(
        name=service.name, tenant_id=service.tenant_id, exposed=False, strict=True, probe=probe
    )


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
