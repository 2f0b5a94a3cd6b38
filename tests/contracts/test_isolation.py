"""A tenant tries to reach what is another's by every method of every repository (test_row_security.py: by SQL)."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from brain_gateway.application.dto import PageRequest
from brain_gateway.application.ports import integration_repository, unit_of_work
from brain_gateway.application.ports.audit_log import AuditFilter
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import CallerError
from brain_gateway.infrastructure.sql.documents import plain
from tests.builders.registry import (
    MARK,
    MINE,
    NOW,
    THEIRS,
    Belongings,
    a_draft,
    a_key,
    a_limit,
    a_record,
    a_service,
    a_tenant,
    an_event,
    an_integration,
    changed,
    filled,
    new_id,
)

pytestmark = pytest.mark.anyio
ALL = PageRequest(1000)


async def collected(iterator):
    """An asynchronous iterator as a list."""
    return [one async for one in iterator]


# Repository and method -> how to try it on what is theirs. A method that is not here fails the test below it.
ATTEMPTS = {
    "services.add": lambda u, t: u.services.add(a_service("x", THEIRS)),
    "services.get": lambda u, t: u.services.get(t.service.id),
    "services.find": lambda u, t: u.services.find(THEIRS, t.service.service.name),
    "services.save": lambda u, t: u.services.save(changed(t.service, max_body=1), 1),
    "services.remove": lambda u, t: u.services.remove(t.service.id, 1),
    "services.page": lambda u, t: u.services.page(ServiceFilter(owned=True, tenant_id=THEIRS), ALL),
    "services.all": lambda u, t: u.services.all(),
    "services.many": lambda u, t: u.services.many([t.service.id]),
    "services.write_many": lambda u, t: u.services.write_many(
        [a_service("x", THEIRS)], [changed(t.service)], [t.service.id]
    ),
    "services.count": lambda u, t: u.services.count(THEIRS),
    "services.leased": lambda u, t: u.services.leased(f"{THEIRS}-lease"),
    "services.renew": lambda u, t: u.services.renew(f"{THEIRS}-lease", NOW + 99),
    "services.expired": lambda u, t: u.services.expired(NOW + 1),
    "tenants.add": lambda u, t: u.tenants.add(a_tenant(THEIRS)),
    "tenants.get": lambda u, t: u.tenants.get(THEIRS),
    "tenants.save": lambda u, t: u.tenants.save(replace(t.tenant, version=2), 1),
    "tenants.erase_belongings": lambda u, t: u.tenants.erase_belongings(THEIRS),
    "tenants.page": lambda u, t: u.tenants.page("", True, ALL),
    "tenants.all": lambda u, t: u.tenants.all(),
    "tenants.unserved": lambda u, t: u.tenants.unserved(),
    "tenants.write_many": lambda u, t: u.tenants.write_many([a_tenant()], [replace(t.tenant, version=2)]),
    "api_keys.add": lambda u, t: u.api_keys.add(a_key(THEIRS)),
    "api_keys.get": lambda u, t: u.api_keys.get(t.key.id),
    "api_keys.save": lambda u, t: u.api_keys.save(replace(t.key, version=2, revoked_at=NOW), 1),
    "api_keys.page": lambda u, t: u.api_keys.page(THEIRS, None, True, ALL),
    "api_keys.all": lambda u, t: u.api_keys.all(True),
    "api_keys.many": lambda u, t: u.api_keys.many([t.key.id]),
    "api_keys.count": lambda u, t: u.api_keys.count(THEIRS),
    "api_keys.write_many": lambda u, t: u.api_keys.write_many(
        [a_key(THEIRS)], [replace(t.key, version=2)], [t.key.id]
    ),
    "limits.all": lambda u, t: u.limits.all(),
    "limits.get": lambda u, t: u.limits.get(THEIRS, MARK),
    "limits.add": lambda u, t: u.limits.add(a_limit(THEIRS, "x")),
    "limits.save": lambda u, t: u.limits.save(replace(t.limit, version=2), 1),
    "limits.remove": lambda u, t: u.limits.remove(t.limit.id, 1),
    "limits.remove_many": lambda u, t: u.limits.remove_many([t.limit.id]),
    "integrations.add": lambda u, t: u.integrations.add(an_integration(THEIRS, "x")),
    "integrations.get": lambda u, t: u.integrations.get(THEIRS, t.integration.id),
    "integrations.find": lambda u, t: u.integrations.find(THEIRS, MARK),
    "integrations.save": lambda u, t: u.integrations.save(replace(t.integration, retry_count=1), 1),
    "integrations.remove": lambda u, t: u.integrations.remove(THEIRS, t.integration.id, 1),
    "integrations.list_page": lambda u, t: u.integrations.list_page(THEIRS, limit=9),
    "audit.append": lambda u, t: u.audit.append([a_draft(THEIRS)]),
    "audit.page": lambda u, t: u.audit.page(THEIRS, AuditFilter(), ALL),
    "audit.chain": lambda u, t: collected(u.audit.chain(THEIRS)),
    "audit.head": lambda u, t: u.audit.head(THEIRS),
    "audit.chains": lambda u, t: u.audit.chains(),
    "outbox.add": lambda u, t: u.outbox.add([an_event(THEIRS)], 0),
    "outbox.take": lambda u, t: u.outbox.take(99),
    "outbox.published": lambda u, t: u.outbox.published(list(range(99))),
    "outbox.after": lambda u, t: u.outbox.after(0, 99),
    "outbox.last_id": lambda u, t: u.outbox.last_id(),
    "outbox.forget": lambda u, t: u.outbox.forget(NOW + 1),
    "versions.current": lambda u, t: u.versions.current(),
    "versions.lock": lambda u, t: u.versions.lock(),
    "versions.record": lambda u, t: u.versions.record([], "mine", NOW),
    "versions.since": lambda u, t: u.versions.since(0),
    "versions.declared": lambda u, t: u.versions.declared(MARK),
    "versions.declare": lambda u, t: u.versions.declare(MARK, "mine"),
    "idempotency.find": lambda u, t: u.idempotency.find(f"{MARK}-{THEIRS}", "k-1"),
    "idempotency.add": lambda u, t: u.idempotency.add(a_record(f"{MARK}-{THEIRS}")),
    "idempotency.forget": lambda u, t: u.idempotency.forget(NOW + 1),
}


def test_every_method_of_every_repository_is_tried():
    methods = {
        f"{repository}.{name}"
        for repository, getter in vars(UnitOfWork).items()
        if isinstance(getter, property)
        for name, _ in inspect.getmembers(_port(getter), inspect.isfunction)
        if not name.startswith("_")
    }
    assert set(ATTEMPTS) == methods


def _port(getter):
    """The Protocol that a property of UnitOfWork gives."""
    name = inspect.get_annotations(getter.fget)["return"]
    return getattr(integration_repository, name, None) or getattr(unit_of_work, name)


@pytest.fixture
async def theirs(store):
    """What the other tenant has in the store; the platform has something too, and so has this one."""
    return await filled(store)


async def everything_of(store, owner):
    """All that an owner has, as plain values."""
    async with store(PLATFORM, read_only=True) as unit:
        parts = [
            [item for item in await unit.services.all() if item.tenant_id == owner],
            await unit.tenants.get(owner),
            (await unit.api_keys.page(owner, None, True, ALL)).items,
            [item for item in await unit.limits.all() if item.tenant_id == owner],
            await unit.integrations.list_page(owner, limit=99),
            await collected(unit.audit.chain(owner)),
            await unit.audit.head(owner),
            [event for event in await unit.outbox.after(0, 99) if event.tenant_id == owner],
            await unit.idempotency.find(f"{MARK}-{owner}", "k-1"),
        ]
    return plain(parts)


async def attempted(store, theirs, attempt):
    """What a tenant gets of what is theirs, as text; a refusal's detail when it is refused."""
    async with store(Scope(MINE)) as unit:
        try:
            found = await ATTEMPTS[attempt](unit, theirs)
        except CallerError as refusal:
            return refusal.detail
        await unit.commit()
    return str(plain(found))


async def test_a_tenant_reaches_nothing_of_anothers(store, theirs):
    before = await everything_of(store, THEIRS)
    assert len(str(before)) > 2_000
    for attempt in ATTEMPTS:
        assert THEIRS not in await attempted(store, theirs, attempt), attempt
        assert await everything_of(store, THEIRS) == before, attempt


async def test_what_is_found_is_none_or_ones_own(store, theirs):
    """Not even that there is something: what is another's looks as what is not there."""
    nothing = Belongings(new_id())
    for attempt in ATTEMPTS:
        if attempt.endswith(
            (".get", ".find", ".save", ".remove", ".leased", ".renew", ".many", ".count", ".head")
        ):
            assert await attempted(store, theirs, attempt) == await attempted(store, nothing, attempt), (
                attempt
            )


async def test_the_attempts_find_it_in_the_platforms_scope(store, theirs):
    """So that the attempts above are known to be able to."""
    reads = [
        name for name in ATTEMPTS if name.endswith((".get", ".find", ".page", ".all", ".many", ".chain"))
    ]
    for attempt in (*reads, "services.leased", "outbox.after", "audit.chains"):
        async with store(PLATFORM) as unit:
            found = str(plain(await ATTEMPTS[attempt](unit, theirs)))
        assert THEIRS in found, attempt
