"""What every AuditLog does."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain_gateway.application.dto import PageRequest
from brain_gateway.application.ports.audit_log import AuditFilter
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.audit import GENESIS, ChainVerifier
from brain_gateway.domain.errors import ResourceNotFound
from tests.builders.registry import NOW, a_draft, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()
EVERYTHING = AuditFilter()
DOCUMENTS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)  # fmt: skip


async def verified(unit, tenant_id):
    """How many entries a chain has; it must hold, up to its head."""
    verifier = ChainVerifier()
    async for entry in unit.audit.chain(tenant_id):
        assert verifier.take(entry), verifier.faults
    assert verifier.expect(*await unit.audit.head(tenant_id))
    return verifier.sequence


async def test_an_empty_chain(store):
    async with store(PLATFORM, read_only=True) as unit:
        assert await unit.audit.head(None) == (0, GENESIS)
        assert await unit.audit.chains() == []
        assert await verified(unit, TENANT) == 0
        assert (await unit.audit.page(None, EVERYTHING, PageRequest())).items == ()


async def test_each_tenant_has_a_chain_and_so_has_the_platform(store):
    async with store(PLATFORM) as unit:
        await unit.audit.append([a_draft(TENANT), a_draft(), a_draft(TENANT)])
        await unit.audit.append([a_draft(OTHER)])
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        assert await unit.audit.chains() == [None, *sorted((TENANT, OTHER))]
        assert [await verified(unit, owner) for owner in (TENANT, OTHER, None)] == [2, 1, 1]


async def test_an_entry_is_what_was_drafted(store):
    before = {"name": "é", "n": 1.5, "big": 2**70, "list": [1, None, True], "inner": {"z": 1, "a": {}}}
    draft = a_draft(TENANT, occurred_at=NOW + 0.1234567, before=before, actor_tenant=None, request_id="r")
    async with store(PLATFORM) as unit:
        await unit.audit.append([draft])
        (entry,) = (await unit.audit.page(TENANT, EVERYTHING, PageRequest())).items
        assert (entry.before, entry.after, entry.actor_tenant) == (before, None, None)
        assert (entry.sequence, entry.previous) == (1, GENESIS)
        assert entry.occurred_at == round(NOW + 0.1234567, 6)
        assert await verified(unit, TENANT) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(st.tuples(DOCUMENTS, st.floats(0, 4e9)), min_size=1, max_size=4))
async def test_hashes_survive_the_database(store, documents):
    drafts = [a_draft(TENANT, before=document, occurred_at=at) for document, at in documents]
    async with store(PLATFORM) as unit:
        await unit.audit.append(drafts)
        assert await verified(unit, TENANT) == len(drafts)


async def test_pages_go_back_in_time(store):
    async with store(PLATFORM) as unit:
        await unit.audit.append([a_draft(TENANT, subject=f"s-{number}") for number in range(11)])
        found, after = [], None
        for _ in range(3):
            page = await unit.audit.page(TENANT, EVERYTHING, PageRequest(4, after))
            found += [entry.sequence for entry in page.items]
            after = page.next
        assert (found, after) == (list(range(11, 0, -1)), None)


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        (AuditFilter(actor="bob"), [2]),
        (AuditFilter(action="x"), [3]),
        (AuditFilter(subject="y"), [4]),
        (AuditFilter(since=NOW + 2), [4, 3]),
        (AuditFilter(until=NOW + 2), [2, 1]),
        (AuditFilter(since=NOW + 1, until=NOW + 2, actor="bob"), [2]),
        (AuditFilter(actor="nobody"), []),
    ],
)
async def test_filters(store, wanted, sequences):
    async with store(PLATFORM) as unit:
        await unit.audit.append(
            [
                a_draft(TENANT, occurred_at=NOW),
                a_draft(TENANT, occurred_at=NOW + 1, actor="bob"),
                a_draft(TENANT, occurred_at=NOW + 2, action="x"),
                a_draft(TENANT, occurred_at=NOW + 3, subject="y"),
            ]
        )
        page = await unit.audit.page(TENANT, wanted, PageRequest())
        assert [entry.sequence for entry in page.items] == sequences


async def test_a_chain_has_one_writer_at_a_time(store):
    async def append(number):
        async with store(Scope(TENANT)) as unit:
            await unit.audit.append([a_draft(TENANT, subject=f"s-{number}")] * 2)
            if number % 3:
                await unit.commit()

    await asyncio.gather(*map(append, range(9)))
    async with store(PLATFORM, read_only=True) as unit:
        assert await verified(unit, TENANT) == 12


async def test_a_long_chain_is_read_in_pieces(store):
    async with store(PLATFORM) as unit:
        await unit.audit.append([a_draft(TENANT)] * 1_200)
        assert await verified(unit, TENANT) == 1_200


async def test_a_tenant_has_its_own_chain_alone(store):
    async with store(PLATFORM) as unit:
        await unit.audit.append([a_draft(TENANT), a_draft(), a_draft(OTHER)])
        await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert await unit.audit.chains() == [TENANT]
        for owner in (None, OTHER):
            assert await unit.audit.head(owner) == (0, GENESIS)
            assert (await unit.audit.page(owner, EVERYTHING, PageRequest())).items == ()
            assert [entry async for entry in unit.audit.chain(owner)] == []
            with pytest.raises(ResourceNotFound):
                await unit.audit.append([a_draft(TENANT), a_draft(owner)])
        assert await verified(unit, TENANT) == 1
