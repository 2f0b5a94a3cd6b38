"""What processes share in a Valkey or Redis. Its libraries are imported where there is one to be used."""

from __future__ import annotations

import contextlib
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass

from brain_gateway.application.ports.breaker_board import BreakerBoard
from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.ports.limit_store import LimitStore
from brain_gateway.application.ports.purge_board import PurgeBoard
from brain_gateway.application.ports.response_store import SharedResponseStore
from brain_gateway.domain.errors import SecretsUnavailable
from brain_gateway.settings import OwnSecrets, Settings

PATIENCE = 5.0  # seconds that the client of the events waits for an answer: longer than a read that blocks


@dataclass(frozen=True, slots=True)
class SharedMemory:
    """`member` names this process among the others; nothing is connected before it is used."""

    member: str
    events: EventBus
    limits: LimitStore
    breakers: BreakerBoard
    responses: SharedResponseStore
    purges: PurgeBoard


async def open_shared_memory(settings: Settings, own: OwnSecrets, stack: AsyncExitStack) -> SharedMemory:
    """The store at REDIS_URL, wherever that leads by and by."""
    from brain_gateway.infrastructure.valkey.breakers import ValkeyBreakers
    from brain_gateway.infrastructure.valkey.connection import make_client, move
    from brain_gateway.infrastructure.valkey.event_bus import ValkeyEventBus
    from brain_gateway.infrastructure.valkey.limits import ValkeyLimits
    from brain_gateway.infrastructure.valkey.purges import ValkeyPurges
    from brain_gateway.infrastructure.valkey.response_store import ValkeyResponses

    member = os.urandom(8).hex()
    timeout = settings.redis_timeout
    patience = max(1.0, timeout)  # its users have bounds of their own
    url = _address(own)
    client, listening = make_client(url, patience), make_client(url, PATIENCE)
    stack.push_async_callback(client.aclose)
    stack.push_async_callback(listening.aclose)

    async def follow(present: Settings) -> None:
        nonlocal url
        known, url = url, present.redis_url.get_secret_value() if present.redis_url else None
        if url is not None and url != known:
            await move(client, url, patience)
            await move(listening, url, PATIENCE)

    own.heed(follow)
    return SharedMemory(
        member=member,
        events=await stack.enter_async_context(ValkeyEventBus(listening)),
        limits=ValkeyLimits(client, timeout, os.urandom),
        breakers=ValkeyBreakers(client, member),
        responses=ValkeyResponses(client, timeout, settings.response_cache_tenant_bytes),
        purges=ValkeyPurges(client, member),
    )


def _address(own: OwnSecrets) -> str | None:
    """None: it is a secret that could not be read yet."""
    with contextlib.suppress(SecretsUnavailable):
        return own.text(lambda settings: settings.redis_url)
    return None
