"""What every IdempotencyRecords does."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict
from tests.builders.registry import NOW, a_record, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()


async def test_what_is_found_is_what_was_written(store):
    async with store(PLATFORM) as unit:
        record = a_record("ada", "k", NOW + 0.5)
        await unit.idempotency.add(record)
        assert await unit.idempotency.find("ada", "k") == record
        assert await unit.idempotency.find("bob", "k") is None
        assert await unit.idempotency.find("ada", "K") is None


async def test_of_two_requests_with_one_key_at_once_one_wins(store):
    async def once():
        async with store(Scope(TENANT)) as unit:
            await unit.idempotency.add(a_record())
            await unit.commit()

    outcomes = await asyncio.gather(once(), once(), once(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict", "Conflict", "NoneType"]


async def test_old_ones_are_forgotten(store):
    async with store(PLATFORM) as unit:
        await unit.idempotency.add(a_record(key="old", at=NOW - 1))
        await unit.idempotency.add(a_record(key="new", at=NOW))
        assert await unit.idempotency.forget(NOW) == 1
        assert await unit.idempotency.find("ada", "old") is None
        assert await unit.idempotency.find("ada", "new") is not None


async def test_a_tenant_has_its_own_alone(store):
    async with store(Scope(OTHER)) as unit:
        await unit.idempotency.add(a_record())
        await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert await unit.idempotency.find("ada", "k-1") is None
        assert await unit.idempotency.forget(NOW + 1) == 0
        with pytest.raises(Conflict):
            await unit.idempotency.add(a_record())
