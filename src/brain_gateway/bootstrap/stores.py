"""What a process shares with others: the database, the store in memory, the events."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from redis.asyncio import Redis

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.store import SqlStore, open_store
from brain_gateway.infrastructure.valkey.connection import make_client
from brain_gateway.infrastructure.valkey.event_bus import ValkeyEventBus
from brain_gateway.settings import Settings

PATIENCE = 5.0  # seconds that the client of the events waits for an answer: longer than a read that blocks


@dataclass(frozen=True, slots=True)
class Stores:
    """`memory` is None where there is one process; nothing is connected before it is used."""

    database: SqlStore
    memory: Redis | None
    events: EventBus


async def open_stores(settings: Settings, stack: AsyncExitStack) -> Stores:
    """Open what the settings name. Raises ConfigurationError for an address that is none."""
    address = settings.database_url.get_secret_value() if settings.database_url else None
    url = database_url(address, settings.data_dir)
    database = await stack.enter_async_context(open_store(url, settings.database_pool_size))
    if settings.redis_url is None:
        return Stores(database, None, MemoryEventBus())
    text = settings.redis_url.get_secret_value()
    memory = make_client(text, max(1.0, settings.redis_timeout))  # its users have bounds of their own
    listening = make_client(text, PATIENCE)
    stack.push_async_callback(memory.aclose)
    stack.push_async_callback(listening.aclose)
    return Stores(database, memory, await stack.enter_async_context(ValkeyEventBus(listening)))
