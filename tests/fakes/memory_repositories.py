"""The repositories of the store in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from brain_gateway.application.dto import (
    ApiKeyDTO,
    LimitDTO,
    Page,
    PageRequest,
    ServiceRegistrationDTO,
    Stored,
    TargetLease,
    TenantDTO,
)
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from brain_gateway.domain.tenants import TenantStatus

if TYPE_CHECKING:
    from tests.fakes.memory_store import MemoryUnit

Row = TypeVar("Row", bound=Stored)
Key = Callable[[Any], tuple[str, ...]]


def paged(items: Iterable[Row], page: PageRequest, key: Key) -> Page[Row]:
    """One page of items, by `key`."""
    ordered = sorted(items, key=key)
    rest = [item for item in ordered if page.after is None or key(item) > tuple(page.after)]
    shown = tuple(rest[: page.size])
    return Page(shown, key(shown[-1]) if len(rest) > page.size else None)


class _Rows:
    """What the repositories share: `where` the rows are, and who sees them."""

    where = ""
    gone = "there is no such thing"

    def __init__(self, unit: MemoryUnit) -> None:
        self._unit = unit

    async def _seen(self) -> dict[str, Any]:
        rows = getattr(await self._unit.reading(), self.where)
        return {id_: row for id_, row in rows.items() if self.sees(self.owner(row))}

    async def _rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = getattr(await self._unit.writing(), self.where)
        return rows

    def owner(self, row: Any) -> str | None:
        """Whose it is."""
        owner: str | None = row.tenant_id
        return owner

    def sees(self, owner: str | None) -> bool:
        """Rows of tenants alone, unless a repository says otherwise."""
        return self._unit.scope.writes(owner)

    def writable(self, row: Any) -> None:
        """Raises ResourceNotFound."""
        if row is None or not self._unit.scope.writes(self.owner(row)):
            raise ResourceNotFound(self.gone)

    def same(self, old: Any, new: Any) -> bool:
        """Whether two rows are one thing: what identifies it never changes."""
        return bool(self.owner(old) == self.owner(new))

    async def _add(self, item: Any, clash: Callable[[Any], bool]) -> None:
        rows = await self._rows()
        self.writable(item)
        if item.id in rows or any(map(clash, rows.values())):
            raise Conflict("there is one already")
        rows[item.id] = item

    async def _save(self, item: Any, expected: int | None) -> None:
        rows = await self._rows()
        known = rows.get(item.id)
        self.writable(known)
        if not self.same(known, item):
            raise ResourceNotFound(self.gone)
        if expected is not None and known.version != expected:
            raise PreconditionFailed("it has another version by now")
        rows[item.id] = item

    async def _remove(self, id_: str, expected: int | None) -> None:
        rows = await self._rows()
        known = rows.get(id_)
        self.writable(known)
        if expected is not None and known.version != expected:
            raise PreconditionFailed("it has another version by now")
        del rows[id_]

    async def _remove_many(self, ids: Iterable[str]) -> None:
        rows = await self._rows()
        for id_ in ids:
            if id_ in rows and self._unit.scope.writes(self.owner(rows[id_])):
                del rows[id_]

    async def _write_many(
        self, add: Callable[[Any], Any], added: Iterable[Any], saved: Iterable[Any], removed: Iterable[str]
    ) -> None:
        rows = await self._rows()
        before = dict(rows)
        try:
            await self._remove_many(removed)
            for item in saved:
                await self._save(item, None)
            for item in added:
                await add(item)
        except BaseException:
            rows.clear()
            rows.update(before)
            raise


class MemoryServices(_Rows):
    """RouteRepository."""

    where = "services"

    def sees(self, owner: str | None) -> bool:
        return self._unit.scope.sees(owner)

    def same(self, old: ServiceRegistrationDTO, new: ServiceRegistrationDTO) -> bool:
        return old.service.key == new.service.key

    async def add(self, item: ServiceRegistrationDTO) -> None:
        await self._add(item, lambda row: row.service.key == item.service.key or _share_a_lease(row, item))

    async def get(self, service_id: str) -> ServiceRegistrationDTO | None:
        return (await self._seen()).get(service_id)

    async def find(self, tenant_id: str | None, name: str) -> ServiceRegistrationDTO | None:
        for row in (await self._seen()).values():
            if (row.tenant_id, row.service.name) == (tenant_id, name):
                return row
        return None

    async def save(self, item: ServiceRegistrationDTO, expected: int) -> None:
        await self._save(item, expected)

    async def remove(self, service_id: str, expected: int) -> None:
        await self._remove(service_id, expected)

    async def page(self, wanted: ServiceFilter, page: PageRequest) -> Page[ServiceRegistrationDTO]:
        rows = (await self._seen()).values()
        return paged((row for row in rows if _is_wanted(row, wanted)), page, _by_name)

    async def all(self) -> Sequence[ServiceRegistrationDTO]:
        return sorted((await self._seen()).values(), key=_by_name)

    async def many(self, ids: Collection[str]) -> Sequence[ServiceRegistrationDTO]:
        rows = (await self._seen()).items()
        return sorted((row for id_, row in rows if id_ in set(ids)), key=_by_name)

    async def count(self, tenant_id: str) -> int:
        return sum(row.tenant_id == tenant_id for row in (await self._seen()).values())

    async def write_many(
        self,
        added: Sequence[ServiceRegistrationDTO],
        saved: Sequence[ServiceRegistrationDTO],
        removed: Sequence[str],
    ) -> None:
        keys = {row.service.key for id_, row in (await self._rows()).items() if id_ not in set(removed)}

        async def add(item: ServiceRegistrationDTO) -> None:
            if item.service.key in keys:
                raise Conflict("there is one already")
            keys.add(item.service.key)
            await self._add(item, lambda row: False)

        await self._write_many(add, added, saved, removed)

    async def leased(self, lease_id: str) -> ServiceRegistrationDTO | None:
        for row in (await self._seen()).values():
            if any(lease.id == lease_id for lease in row.leases.values()):
                return row
        return None

    async def renew(self, lease_id: str, expires_at: float) -> bool:
        rows = await self._rows()
        found = await self.leased(lease_id)
        if found is None or not self._unit.scope.writes(found.tenant_id):
            return False
        renewed = TargetLease(lease_id, expires_at)
        leases = {o: renewed if lease.id == lease_id else lease for o, lease in found.leases.items()}
        rows[found.id] = replace(found, leases=leases)
        return True

    async def expired(self, now: float) -> Sequence[ServiceRegistrationDTO]:
        rows = sorted((await self._seen()).values(), key=_by_name)
        return [row for row in rows if any(lease.expires_at <= now for lease in row.leases.values())]


class MemoryTenants(_Rows):
    """TenantRepository."""

    where = "tenants"

    def owner(self, row: TenantDTO) -> str | None:
        return row.tenant.id

    async def add(self, item: TenantDTO) -> None:
        await self._add(item, lambda row: row.tenant.id == item.tenant.id)

    async def get(self, tenant_id: str) -> TenantDTO | None:
        return (await self._seen()).get(tenant_id)

    async def save(self, item: TenantDTO, expected: int) -> None:
        await self._save(item, expected)

    async def erase_belongings(self, tenant_id: str) -> None:
        if not self._unit.scope.writes(tenant_id):
            raise ResourceNotFound(self.gone)
        state = await self._unit.writing()
        for rows in (state.services, state.api_keys, state.limits, state.integrations):
            for id_ in [id_ for id_, row in rows.items() if row.tenant_id == tenant_id]:
                del rows[id_]

    async def page(self, prefix: str, deleted: bool, page: PageRequest) -> Page[TenantDTO]:
        rows = [
            row
            for row in (await self._seen()).values()
            if row.tenant.name.startswith(prefix)
            and (deleted or row.tenant.status is not TenantStatus.DELETED)
        ]
        return paged(rows, page, _by_id)

    async def all(self) -> Sequence[TenantDTO]:
        return sorted((await self._seen()).values(), key=_by_id)

    async def unserved(self) -> Sequence[TenantDTO]:
        return [item for item in await self.all() if not item.tenant.served]

    async def write_many(self, added: Sequence[TenantDTO], saved: Sequence[TenantDTO]) -> None:
        await self._write_many(lambda item: self._add(item, lambda row: False), added, saved, ())


class MemoryApiKeys(_Rows):
    """ApiKeyRepository."""

    where = "api_keys"

    def same(self, old: ApiKeyDTO, new: ApiKeyDTO) -> bool:
        return (old.tenant_id, old.hash) == (new.tenant_id, new.hash)

    async def add(self, item: ApiKeyDTO) -> None:
        await self._add(item, lambda row: row.hash == item.hash)

    async def get(self, key_id: str) -> ApiKeyDTO | None:
        return (await self._seen()).get(key_id)

    async def save(self, item: ApiKeyDTO, expected: int) -> None:
        await self._save(item, expected)

    async def page(
        self, tenant_id: str | None, user_id: str | None, revoked: bool, page: PageRequest
    ) -> Page[ApiKeyDTO]:
        rows = [
            row
            for row in (await self._seen()).values()
            if tenant_id in (None, row.tenant_id)
            and user_id in (None, row.user_id)
            and (revoked or row.revoked_at is None)
        ]
        return paged(rows, page, _by_id)

    async def all(self, revoked: bool = False) -> Sequence[ApiKeyDTO]:
        rows = (await self._seen()).values()
        return sorted((row for row in rows if revoked or row.revoked_at is None), key=_by_id)

    async def many(self, ids: Collection[str]) -> Sequence[ApiKeyDTO]:
        return sorted((row for id_, row in (await self._seen()).items() if id_ in set(ids)), key=_by_id)

    async def count(self, tenant_id: str) -> int:
        rows = (await self._seen()).values()
        return sum(row.tenant_id == tenant_id and row.revoked_at is None for row in rows)

    async def write_many(
        self, added: Sequence[ApiKeyDTO], saved: Sequence[ApiKeyDTO], removed: Sequence[str]
    ) -> None:
        await self._write_many(self.add, added, saved, removed)


class MemoryLimits(_Rows):
    """LimitRepository."""

    where = "limits"

    def sees(self, owner: str | None) -> bool:
        return self._unit.scope.sees(owner)

    def same(self, old: LimitDTO, new: LimitDTO) -> bool:
        return (old.tenant_id, old.name) == (new.tenant_id, new.name)

    async def all(self) -> Sequence[LimitDTO]:
        return sorted((await self._seen()).values(), key=lambda row: (row.tenant_id or "", row.name))

    async def get(self, tenant_id: str | None, name: str) -> LimitDTO | None:
        for row in (await self._seen()).values():
            if (row.tenant_id, row.name) == (tenant_id, name):
                return row
        return None

    async def add(self, item: LimitDTO) -> None:
        await self._add(item, lambda row: self.same(row, item))

    async def save(self, item: LimitDTO, expected: int) -> None:
        await self._save(item, expected)

    async def remove(self, limit_id: str, expected: int) -> None:
        await self._remove(limit_id, expected)

    async def remove_many(self, ids: Sequence[str]) -> None:
        await self._remove_many(ids)


class MemoryIntegrations(_Rows):
    """IntegrationRepository: gives and keeps copies."""

    where = "integrations"
    gone = "there is no such integration"

    async def add(self, config: IntegrationConfig) -> None:
        kept = replace(config, version=1)
        await self._add(kept, lambda row: row.key == config.key)
        config.version = 1

    async def get(self, tenant_id: str, config_id: str) -> IntegrationConfig:
        found = (await self._seen()).get(config_id)
        if found is None or found.tenant_id != tenant_id:
            raise ResourceNotFound(self.gone)
        return replace(found)

    async def find(self, tenant_id: str, integration_name: str) -> IntegrationConfig | None:
        for row in (await self._seen()).values():
            if row.key == (tenant_id, integration_name):
                return replace(row)
        return None

    def same(self, old: IntegrationConfig, new: IntegrationConfig) -> bool:
        return old.key == new.key

    async def save(self, config: IntegrationConfig, expected_version: int) -> None:
        await self._save(replace(config, version=expected_version + 1), expected_version)
        config.version = expected_version + 1

    async def remove(self, tenant_id: str, config_id: str, expected_version: int) -> None:
        await self.get(tenant_id, config_id)
        await self._remove(config_id, expected_version)

    async def list_page(self, tenant_id: str, *, after: str = "", limit: int) -> list[IntegrationConfig]:
        rows = [
            row
            for row in (await self._seen()).values()
            if row.tenant_id == tenant_id and row.integration_name > after
        ]
        return [replace(row) for row in sorted(rows, key=lambda row: row.integration_name)[:limit]]


def _by_name(row: ServiceRegistrationDTO) -> tuple[str, str]:
    return row.service.name, row.id


def _by_id(row: Stored) -> tuple[str]:
    return (row.id,)


def _is_wanted(row: ServiceRegistrationDTO, wanted: ServiceFilter) -> bool:
    return (
        (not wanted.owned or row.tenant_id == wanted.tenant_id)
        and row.service.name.startswith(wanted.prefix)
        and wanted.kind in (None, row.service.kind)
        and wanted.owner in (None, row.owner)
    )


def _share_a_lease(one: ServiceRegistrationDTO, other: ServiceRegistrationDTO) -> bool:
    return not _lease_ids(one.leases).isdisjoint(_lease_ids(other.leases))


def _lease_ids(leases: Mapping[str, TargetLease]) -> set[str]:
    return {lease.id for lease in leases.values()}
