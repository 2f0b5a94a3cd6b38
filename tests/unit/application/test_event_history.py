"""What a caller has missed: everything that it may hear of, in one order, nothing else, and no gap that is not told."""

from __future__ import annotations

import pytest

from brain_gateway.application import queries
from brain_gateway.application.bus import QueryBus
from brain_gateway.application.event_history import Beginning, EventHistory
from brain_gateway.application.queries.events import ListEventsQuery, ListSharedEventsQuery
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import ResourceNotFound, RoleRequired
from brain_gateway.domain.events import ServiceRegistered, TargetAdded
from tests.builders.control import actor
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.builders.registry import NOW
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio


def registered(owner: str | None, name: str, proxied: bool = True) -> ServiceRegistered:
    return ServiceRegistered(occurred_at=NOW, tenant_id=owner, service=name, proxied=proxied)


EVENTS = (
    registered(TENANT, "own"),
    registered(None, "offered"),
    registered(None, "hidden", proxied=False),
    registered(OTHER_TENANT, "theirs"),
    TargetAdded(occurred_at=NOW, service="offered", proxied=True, target="http://10.0.0.5:80", weight=1),
    registered(None, "offered-too"),
    registered(TENANT, "own-too"),
)


class World:
    """A store with EVENTS, in pages of `most`."""

    def __init__(self, most: int = 500) -> None:
        self.store = MemoryStore()
        handlers = dict(queries.HANDLERS)

        def smaller(handler):
            async def handle(query, unit, actor):
                return await handler(
                    type(query)(tenant_id=query.tenant_id, after=query.after, most=most), unit, actor
                )

            return handle

        for kind in (ListEventsQuery, ListSharedEventsQuery):
            handlers[kind] = smaller(handlers[kind])
        self.bus = QueryBus(self.store, handlers)

    async def happened(self, *events) -> None:
        async with self.store(PLATFORM) as unit:
            await unit.outbox.add(events, 1)
            await unit.commit()

    def history(self, role: str = "manager", tenant_id: str | None = TENANT) -> EventHistory:
        return EventHistory(self.bus, actor(role), tenant_id)

    async def all(self, history: EventHistory, after: int = 0) -> list[int]:
        found, more = [], True
        while more:
            page = await history.after(after)
            assert page.last >= after
            found += [event.id for event in page.items]
            after, more = page.last, page.more
        return found


@pytest.mark.parametrize("most", [1, 2, 3, 500])
async def test_what_concerns_the_caller_comes_in_the_order_in_which_it_happened(most):
    world = World(most)
    await world.happened(*EVENTS)
    assert await world.all(world.history()) == [1, 2, 6, 7]
    assert await world.all(world.history(), after=2) == [6, 7]
    assert await world.all(world.history("super_admin", None)) == [1, 2, 3, 4, 5, 6, 7]
    assert await world.all(world.history("super_admin", OTHER_TENANT)) == [2, 4, 6]


async def test_what_happens_between_two_looks_is_left_to_whoever_listens():
    """Else an event of the one look would hide an earlier one that only the other would have shown."""
    world = World()
    await world.happened(registered(TENANT, "one"))
    list_events = world.bus._handlers[ListEventsQuery]

    async def and_meanwhile(query, unit, who):
        found = await list_events(query, unit, who)
        await world.happened(registered(TENANT, "two"), registered(None, "three"))
        return found

    world.bus._handlers[ListEventsQuery] = and_meanwhile
    page = await world.history().after(0)
    assert ([event.id for event in page.items], page.last, page.more) == ([1], 1, False)


@pytest.mark.parametrize(
    ("resume", "begins"),
    [
        (None, Beginning(7, False)),
        (0, Beginning(0, False)),
        (3, Beginning(3, True)),
        (4, Beginning(4, False)),
        (6, Beginning(6, False)),
        (99, Beginning(7, False)),
    ],
)
@pytest.mark.parametrize(("role", "tenant_id"), [("manager", TENANT), ("super_admin", None)])
async def test_where_a_stream_begins(resume, begins, role, tenant_id):
    """Events up to 4 are no longer kept."""
    world = World()
    await world.happened(*EVENTS)
    for id_ in range(1, 5):
        del world.store.state.outbox[id_]
    assert await world.history(role, tenant_id).begin(resume) == begins


async def test_when_nothing_is_kept_what_was_missed_is_a_gap():
    world = World()
    assert await world.history().begin(None) == Beginning(0, False)
    await world.happened(*EVENTS)
    world.store.state.outbox.clear()
    assert await world.history().begin(6) == Beginning(6, True)
    assert await world.history().begin(7) == Beginning(7, False)


@pytest.mark.parametrize(
    ("role", "tenant_id", "error"),
    [
        ("client", TENANT, RoleRequired),
        ("service_registrar", TENANT, RoleRequired),
        ("other", TENANT, RoleRequired),
        ("manager", None, RoleRequired),
        ("tenant_admin", None, RoleRequired),
        ("tenant_admin", OTHER_TENANT, ResourceNotFound),
    ],
)
async def test_who_may_not_listen_learns_nothing(role, tenant_id, error):
    world = World()
    await world.happened(*EVENTS)
    for asked in (world.history(role, tenant_id).begin(0), world.history(role, tenant_id).after(0)):
        with pytest.raises(error):
            await asked
