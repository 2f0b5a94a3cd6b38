"""What the development profile gives away at its start: a tenant, a token and an API key, loudly marked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import typer

from brain_gateway.application.configuration import ApiKeyRecord
from brain_gateway.domain.tenancy import ApiKey
from brain_gateway.infrastructure.identity.development import (
    DEMO_TENANT_ID,
    DEMO_TENANT_NAME,
    DEMO_USER_ID,
    mint,
)

if TYPE_CHECKING:
    from brain_gateway.settings import Settings

LIFETIME = 12 * 3600.0
ROLES = ("client", "tenant_admin")


class Demo(NamedTuple):
    """The record makes the key valid for as long as this process runs; `announce` shows it once, on stderr; None:
    the secrets to which the settings refer are not known yet."""

    key: ApiKeyRecord
    announce: Callable[[Settings | None], None]


def demo_credentials(settings: Settings) -> Demo:
    """A key of this process, and what is to be said of it."""
    key = ApiKey.from_entropy(secrets.token_bytes(32))
    record = ApiKeyRecord(
        hash=key.hash,
        prefix=key.prefix,
        tenant_id=DEMO_TENANT_ID,
        user_id=DEMO_USER_ID,
        roles=frozenset(ROLES),
    )
    return Demo(record, lambda present: typer.echo(_text(settings, present, key), err=True))


def _text(settings: Settings, present: Settings | None, key: ApiKey) -> str:
    token = (
        _token(present)
        if present
        else "(the secret that signs one is waited for: `brain-gateway token` later)"
    )
    lines = [
        "",
        "  DEVELOPMENT PROFILE - demo credentials, never for real data; shown once",
        f"  tenant   {DEMO_TENANT_ID} ({DEMO_TENANT_NAME})",
        *([f"  token    {token}"] if token else []),
        f"  API key  {key.reveal()}",
        f"  try      curl -H 'X-API-Key: {key.reveal()}' http://{settings.host}:{settings.port}/wagtail-cms/pages/",
        "",
    ]
    return "\n".join(lines)


def _token(settings: Settings) -> str | None:
    """A token, where the gateway would take one that it signs itself."""
    if settings.jwt_secret is None or "HS256" not in settings.jwt_algorithms:
        return None
    secret = settings.jwt_secret.get_secret_value()
    return mint(
        secret, DEMO_TENANT_ID, DEMO_USER_ID, ROLES, LIFETIME, time.time(),
        token_id=secrets.token_hex(16), issuer=settings.jwt_issuer, audience=settings.jwt_audience,
    )  # fmt: skip
