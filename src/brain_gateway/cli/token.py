"""`brain-gateway token`: mint a token for development."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brain_gateway.cli.faults import faults_on_stderr

if TYPE_CHECKING:
    from brain_gateway.settings import Settings


def token(
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Tenant id (UUID). Default: the demo tenant.")
    ] = None,
    user: Annotated[str, typer.Option("--user", help="User id.")] = "demo",
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Role; may be repeated. Default: client.")
    ] = None,
    expires: Annotated[str, typer.Option("--expires", help="Lifetime: seconds, or 30m, 12h, 7d.")] = "12h",
) -> None:
    """Print a development token (JWT). It is signed with JWT_SECRET, or with the data directory's secret."""
    with faults_on_stderr():
        from brain_gateway.settings import load_settings

        typer.echo(_minted(load_settings(), tenant, user, tuple(role or ("client",)), expires))


def _minted(settings: Settings, tenant: str | None, user: str, roles: tuple[str, ...], expires: str) -> str:
    import secrets
    import time

    from brain_gateway.infrastructure.identity.development import DEMO_TENANT_ID, mint
    from brain_gateway.secret_store import resolved
    from brain_gateway.settings import with_development_secret

    _check_allowed(settings)
    lifetime = _lifetime(expires)
    secret = resolved(with_development_secret(settings)).jwt_secret
    assert secret is not None  # in development there always is one
    return mint(
        secret.get_secret_value(),
        _tenant(tenant or DEMO_TENANT_ID),
        user,
        roles,
        lifetime,
        time.time(),
        token_id=secrets.token_hex(16),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _check_allowed(settings: Settings) -> None:
    """Raises ConfigurationError in production, and when the gateway would not take a minted token."""
    from brain_gateway.domain.errors import ConfigurationError
    from brain_gateway.settings import Profile

    if settings.profile is Profile.PRODUCTION:
        raise ConfigurationError(
            "BRAIN_GATEWAY_PROFILE=production: tokens are minted in development only; ask your issuer for one"
        )
    needed = {
        "JWT_ALGORITHMS": ("HS256", settings.jwt_algorithms),
        "JWT_CLAIM_USER": ("sub", settings.jwt_claim_user),
        "JWT_CLAIM_TENANT": ("tenant_id", settings.jwt_claim_tenant),
        "JWT_CLAIM_ROLES": ("roles", settings.jwt_claim_roles),
    }
    faults = tuple(
        f"{name}={','.join(value)}: must contain {word}, which minted tokens use"
        for name, (word, value) in needed.items()
        if word not in value
    )
    if faults:
        raise ConfigurationError(faults=faults)


def _tenant(text: str) -> str:
    from brain_gateway.domain.errors import ConfigurationError, CredentialsInvalid
    from brain_gateway.domain.tenancy import tenant_id

    try:
        return tenant_id(text)
    except CredentialsInvalid as error:
        raise ConfigurationError(f"--tenant {text}: must be a UUID") from error


def _lifetime(text: str) -> float:
    from brain_gateway.domain.errors import ConfigurationError
    from brain_gateway.settings.durations import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"--expires {text}: {error}") from error
    if seconds < 1:
        raise ConfigurationError(f"--expires {text}: must be at least 1 second")
    return seconds
