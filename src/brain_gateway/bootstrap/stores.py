"""What outlives a process or is shared with others: the database, the memory, the events."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from sqlalchemy.engine import URL

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.bootstrap.shared_memory import SharedMemory, open_shared_memory
from brain_gateway.domain.errors import SecretsUnavailable, StoreUnavailable
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.engine import StoreTimes
from brain_gateway.infrastructure.sql.store import SqlStore, open_store
from brain_gateway.settings import OwnSecrets, Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """`shared` is None where there is one process alone; nothing is connected before it is used."""

    database: SqlStore
    shared: SharedMemory | None
    events: EventBus


async def open_stores(settings: Settings, own: OwnSecrets, stack: AsyncExitStack) -> Stores:
    """Open what the settings name. Raises ConfigurationError for an address that is none."""

    def address() -> URL:
        try:
            text = own.text(lambda settings: settings.database_url)
        except SecretsUnavailable as error:
            raise StoreUnavailable(
                "its address is in the secrets store, and could not be read yet"
            ) from error
        return database_url(text, settings.data_dir)

    if own.known:
        address()
    times = StoreTimes(statement=settings.database_timeout)
    opening = open_store(address, settings.database_pool_size, times, own.renew)
    database = await stack.enter_async_context(opening)
    if settings.redis_url is None:
        return Stores(database, None, MemoryEventBus())
    shared = await open_shared_memory(settings, own, stack)
    return Stores(database, shared, shared.events)
