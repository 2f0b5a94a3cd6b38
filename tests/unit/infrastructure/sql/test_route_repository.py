"""Rows that mean nothing (any more): what they say protects something, so they are not simply left out."""

from __future__ import annotations

import gc
import logging
import sqlite3

import pytest

from brain_gateway.application.dto import PageRequest
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import InternalError, InvalidDocument
from brain_gateway.domain.tenants import TenantStatus
from tests.builders.registry import a_key, a_limit, a_service, a_tenant, an_integration, new_id

pytestmark = pytest.mark.anyio
TENANT = new_id()


@pytest.fixture
def spoil(tmp_path):
    """Changes rows behind the gateway's back."""

    def execute(statement):
        with sqlite3.connect(tmp_path / "gateway.db") as connection:
            assert connection.execute(statement).rowcount
        connection.close()

    return execute


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE services SET settings = 'no json' WHERE name = 'a'",
        "UPDATE services SET settings = '[]' WHERE name = 'a'",
        """UPDATE services SET settings = '{"protects": true}' WHERE name = 'a'""",
        """UPDATE services SET settings = '{"roles": "admin"}' WHERE name = 'a'""",
        """UPDATE services SET settings = '{"breaker": {"failures": 0}}' WHERE name = 'a'""",
        "UPDATE services SET kind = 'other' WHERE name = 'a'",
        "UPDATE targets SET origin = 'ftp://x' WHERE origin LIKE '%:1'",
        "UPDATE targets SET weight = -1 WHERE origin LIKE '%:1'",
        "UPDATE routes SET pattern = 'x' WHERE pattern = '/a'",
        "UPDATE routes SET methods = 'A B' WHERE pattern = '/a'",
        """UPDATE routes SET settings = '{"protects": 1}' WHERE pattern = '/a'""",
        """UPDATE routes SET settings = '{"public": "yes"}' WHERE pattern = '/a'""",
        "UPDATE routes SET pattern = '/b' WHERE pattern = '/a'",
    ],
)
async def test_a_broken_service_is_closed_and_the_others_are_not(store, spoil, caplog, statement):
    broken = a_service("a", TENANT, targets=["http://x:1"], routes=["/a", "/b"])
    async with store(PLATFORM) as unit:
        await unit.services.write_many([broken, a_service("a"), a_service("b")], [], [])
        await unit.commit()
    spoil(statement)
    async with store(PLATFORM, read_only=True) as unit:
        with caplog.at_level(logging.ERROR, "brain_gateway.sql"):
            items = await unit.services.all()
        found = {item.service.key: item.service for item in items}
        broken_keys = {item.service.key for item in items if item.broken}
        assert {f"{TENANT}/a"} <= broken_keys <= {f"{TENANT}/a", "a"}
        assert broken.id in caplog.text
        assert found.keys() == {"a", "b", f"{TENANT}/a"}
        closed = found[f"{TENANT}/a"]
        assert (closed.exposed, closed.strict, closed.targets, closed.routes) == (False, True, (), ())
        assert found["b"].exposed
        with pytest.raises(InternalError, match=broken.id):
            await unit.services.get(broken.id)
        with pytest.raises(InternalError):
            await unit.services.find(TENANT, "a")
        assert len((await unit.services.page(ServiceFilter(), PageRequest())).items) == 3


async def test_garbage_is_collected_again_after_loading(store):
    async with store(PLATFORM, read_only=True) as unit:
        await unit.services.all()
        assert gc.isenabled()
        gc.disable()
        try:
            await unit.services.all()
            assert not gc.isenabled()
        finally:
            gc.enable()


@pytest.mark.parametrize("many", [0, 1_000_000_000])
async def test_much_that_was_loaded_is_not_looked_through_in_one_go(store, monkeypatch, many):
    """The collector's first round after it would hold the event loop up."""
    monkeypatch.setattr("brain_gateway.infrastructure.sql.route_repository._MANY", many)
    async with store(PLATFORM) as unit:
        await unit.services.write_many([a_service(f"s-{number}") for number in range(50)], [], [])
        before = gc.get_freeze_count()
        found = await unit.services.all()
        try:
            assert (gc.get_freeze_count() > before) is (many == 0)
            assert len(found) == 50
        finally:
            gc.unfreeze()


@pytest.mark.parametrize("table", ["services", "routes"])
async def test_what_a_newer_version_did_not_ask_for_breaks_nothing(store, spoil, table):
    """While versions differ, as in the middle of a deployment."""
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service(routes=["/a"]))
        await unit.commit()
    spoil(f"""UPDATE {table} SET settings = replace(settings, '{{', '{{"newer":null,')""")
    async with store(PLATFORM, read_only=True) as unit:
        (found,) = await unit.services.all()
        assert found.service.exposed
        assert len(found.service.routes) == 1


async def test_one_without_even_a_name_is_left_out(store, spoil, caplog):
    async with store(PLATFORM) as unit:
        await unit.services.write_many([a_service("a"), a_service("b")], [], [])
        await unit.commit()
    spoil("UPDATE services SET name = 'A B' WHERE name = 'a'")
    async with store(PLATFORM, read_only=True) as unit:
        assert [item.service.name for item in await unit.services.all()] == ["b"]
    assert "means nothing" in caplog.text


async def test_a_broken_tenant_is_suspended(store, spoil, caplog):
    tenants = [a_tenant(), a_tenant()]
    async with store(PLATFORM) as unit:
        await unit.tenants.write_many(tenants, [])
        await unit.commit()
    spoil(f"UPDATE tenants SET status = 'other' WHERE tenant_id = '{tenants[0].id}'")
    async with store(PLATFORM, read_only=True) as unit:
        found = {item.id: item.tenant.status for item in await unit.tenants.all()}
        assert found == {tenants[0].id: TenantStatus.SUSPENDED, tenants[1].id: TenantStatus.ACTIVE}
        assert [item.id for item in await unit.tenants.unserved()] == [tenants[0].id]
        with pytest.raises(InternalError):
            await unit.tenants.get(tenants[0].id)
    assert tenants[0].id in caplog.text


async def test_a_broken_key_opens_nothing(store, spoil, caplog):
    keys = [a_key(TENANT), a_key(TENANT)]
    async with store(PLATFORM) as unit:
        await unit.api_keys.write_many(keys, [], [])
        await unit.commit()
    spoil(f"UPDATE api_keys SET roles = 'x' WHERE id = '{keys[0].id}'")
    async with store(PLATFORM, read_only=True) as unit:
        assert [item.id for item in await unit.api_keys.all()] == [keys[1].id]
        assert [item.id for item in (await unit.api_keys.page(None, None, True, PageRequest())).items] == [
            keys[1].id
        ]
        with pytest.raises(InternalError):
            await unit.api_keys.get(keys[0].id)
    assert keys[0].id in caplog.text


async def test_a_broken_limit_or_integration_is_an_error(store, spoil):
    limit, integration = a_limit(TENANT), an_integration(TENANT)
    async with store(PLATFORM) as unit:
        await unit.limits.add(limit)
        await unit.integrations.add(integration)
        await unit.commit()
    spoil("""UPDATE limits SET rate = '{"requests": 0, "window": 1}'""")
    spoil("""UPDATE integrations SET settings = '{"health": "fine"}'""")
    async with store(PLATFORM, read_only=True) as unit:
        with pytest.raises(InternalError, match=limit.id):
            await unit.limits.all()
        with pytest.raises(InternalError, match=integration.id):
            await unit.integrations.get(TENANT, integration.id)


@pytest.mark.parametrize("after", [(), ("a",), ("a", "b", "c")])
async def test_a_cursor_of_another_list(store, after):
    async with store(PLATFORM, read_only=True) as unit:
        with pytest.raises(InvalidDocument):
            await unit.services.page(ServiceFilter(), PageRequest(1, after))


@pytest.mark.parametrize("after", [(), ("a", "b")])
async def test_a_cursor_of_another_list_by_id(store, after):
    async with store(PLATFORM, read_only=True) as unit:
        with pytest.raises(InvalidDocument):
            await unit.tenants.page("", True, PageRequest(1, after))
        with pytest.raises(InvalidDocument):
            await unit.api_keys.page(None, None, True, PageRequest(1, after))
