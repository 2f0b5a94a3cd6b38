"""What outlives a process or is shared with others: the database, the memory, the events."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.bootstrap.shared_memory import SharedMemory, open_shared_memory
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.engine import StoreTimes
from brain_gateway.infrastructure.sql.store import SqlStore, open_store
from brain_gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """`shared` is None where there is one process alone; nothing is connected before it is used."""

    database: SqlStore
    shared: SharedMemory | None
    events: EventBus


async def open_stores(settings: Settings, stack: AsyncExitStack) -> Stores:
    """Open what the settings name. Raises ConfigurationError for an address that is none."""
    address = settings.database_url.get_secret_value() if settings.database_url else None
    url = database_url(address, settings.data_dir)
    times = StoreTimes(statement=settings.database_timeout)
    database = await stack.enter_async_context(open_store(url, settings.database_pool_size, times))
    if settings.redis_url is None:
        return Stores(database, None, MemoryEventBus())
    shared = await open_shared_memory(settings, settings.redis_url.get_secret_value(), stack)
    return Stores(database, shared, shared.events)
