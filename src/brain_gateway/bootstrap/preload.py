"""What every worker imports as it opens: imported before they are forked, it is in memory once."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from brain_gateway.settings import Settings

_VALKEY = ("breakers", "connection", "event_bus", "limits", "response_store")


def preload(settings: Settings) -> None:
    """Import what these settings need and one process alone imports when it comes to it."""
    for name in _names(settings):
        import_module(name)


def _names(settings: Settings) -> Iterator[str]:
    url = settings.database_url.get_secret_value() if settings.database_url else "sqlite"
    if url.startswith("sqlite"):
        yield from ("sqlalchemy.dialects.sqlite", "aiosqlite")
    else:
        yield from ("sqlalchemy.dialects.postgresql", "asyncpg")
    yield "brain_gateway.infrastructure.probes.grpc_health_call"
    yield "uvicorn.protocols.websockets.websockets_sansio_impl"
    if settings.redis_url is not None:
        yield from (f"brain_gateway.infrastructure.valkey.{name}" for name in _VALKEY)
    if settings.jwt_jwks_url is not None:
        yield from ("jwt", "brain_gateway.infrastructure.identity.jwks_download")
