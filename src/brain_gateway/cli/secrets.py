"""`brain-gateway secrets`: store, look at and remove credentials, in Vault or in the secrets file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from brain_gateway.cli.faults import faults_on_stderr, print_warnings

if TYPE_CHECKING:
    from brain_gateway.application.ports.secrets import Secrets, StoredSecret
    from brain_gateway.domain.secret_path import SecretPath
    from brain_gateway.domain.tenancy import Secret

T = TypeVar("T")
_ATTEMPTS = 5  # to change a secret that others change too

app = typer.Typer(
    help="Store, show and remove credentials of the platform and of tenants.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The secret's name.")]
TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="Tenant id (UUID). Default: a secret of the platform itself.")
]


@app.command("set")
def set_(
    name: Name,
    fields: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD...",
            help="FIELD asks for the value; FIELD=- reads it from stdin; FIELD=VALUE shows it.",
        ),
    ],
    tenant: TenantOption = None,
) -> None:
    """Set fields of a secret; its other fields stay. Without a terminal FIELD reads one line from stdin."""
    with faults_on_stderr():
        path = _path(tenant, name)
        values = _values(fields)
        version = _with_store(lambda store: _merge(store, path, values))
    typer.echo(f"{path}: version {version}, set {', '.join(sorted(values))}")


@app.command("get")
def get(
    name: Name,
    field: Annotated[str | None, typer.Argument(help="One field alone. Default: all.")] = None,
    tenant: TenantOption = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the values themselves.")] = False,
) -> None:
    """Show which fields a secret has, masked; with --reveal their values (of one FIELD: the value alone)."""
    with faults_on_stderr():
        path = _path(tenant, name)
        secret = _with_store(lambda store: store.read(path))
        if field is None:
            typer.echo(f"{path}: version {secret.version}")
        for line in _lines(path, secret, field, reveal):
            typer.echo(line)


@app.command("list")
def list_(tenant: TenantOption = None) -> None:
    """List the names of the secrets of a tenant, or of the platform."""
    with faults_on_stderr():
        path = _path(tenant, "any")
        for name in _with_store(lambda store: store.names(path.tenant_id)):
            typer.echo(name)


@app.command("delete")
def delete(name: Name, tenant: TenantOption = None) -> None:
    """Remove a secret with all its versions."""
    with faults_on_stderr():
        path = _path(tenant, name)
        _with_store(lambda store: store.delete(path))
    typer.echo(f"{path}: deleted")


@app.command("rotate")
def rotate() -> None:
    """Encrypt the secrets file with the first key of SECRETS_KEY; the others can be left out afterwards."""
    import asyncio

    with faults_on_stderr(), _faults():
        from brain_gateway.domain.errors import ConfigurationError
        from brain_gateway.secret_store import file_secrets
        from brain_gateway.settings import load_settings

        settings = load_settings()
        if settings.vault_addr is not None:
            raise ConfigurationError("VAULT_ADDR: secrets are in Vault, which rotates its keys itself")
        count = asyncio.run(file_secrets(settings).rotate())
    typer.echo(f"{count} secret{'' if count == 1 else 's'} encrypted with the first key")


def _with_store(use: Callable[[Secrets], Awaitable[T]]) -> T:
    """What `use` makes of the store that the settings name."""
    import asyncio

    from brain_gateway.secret_store import open_secrets
    from brain_gateway.settings import load_settings

    async def run() -> T:
        async with open_secrets(load_settings()) as store:
            return await use(store)

    with _faults():
        return asyncio.run(run())


@contextmanager
def _faults() -> Iterator[None]:
    """What stores raise, as faults of the command."""
    from brain_gateway.domain.errors import ConfigurationError, Conflict, SecretNotFound, SecretsUnavailable

    try:
        yield
    except SecretNotFound:
        hint = "`brain-gateway secrets list` names those that there are"
        raise ConfigurationError(f"no such secret; {hint}") from None
    except (SecretsUnavailable, Conflict) as error:
        raise ConfigurationError(error.detail) from None


async def _merge(store: Secrets, path: SecretPath, values: dict[str, Secret]) -> int:
    """Compare and set, so that fields which another process sets at the same time are not lost."""
    from brain_gateway.domain.errors import Conflict, PreconditionFailed, SecretNotFound

    for _ in range(_ATTEMPTS):
        try:
            known = await store.read(path)
            present, version = dict(known), known.version
        except SecretNotFound:
            present, version = {}, 0
        try:
            return await store.write(path, present | values, expected_version=version)
        except PreconditionFailed:
            continue
    raise Conflict("others keep changing this secret")


def _path(tenant: str | None, name: str) -> SecretPath:
    from brain_gateway.domain.errors import ConfigurationError
    from brain_gateway.domain.secret_path import SecretPath

    try:
        return SecretPath(tenant, name)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _values(fields: list[str]) -> dict[str, Secret]:
    from brain_gateway.domain.errors import ConfigurationError
    from brain_gateway.domain.secret_path import checked_values
    from brain_gateway.domain.tenancy import Secret

    if sum(field.endswith("=-") for field in fields) > 1:
        raise ConfigurationError("FIELD=-: one field alone can be read from stdin")
    names = (field.partition("=")[0] for field in fields)
    try:
        checked_values(dict.fromkeys(names, Secret("")))  # before anything is asked for
        return checked_values(dict(_value(field) for field in fields))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _value(text: str) -> tuple[str, Secret]:
    """The field and its value: from the command line, from stdin, or asked for."""
    import sys

    from brain_gateway.domain.tenancy import Secret

    field, given, value = text.partition("=")
    if given and value == "-":
        value = _came(field, sys.stdin.read())
    elif given:
        print_warnings((f"{field}: others see a value on the command line; use {field}=- or {field}",))
    elif sys.stdin.isatty():
        value = str(typer.prompt(field, hide_input=True, err=True))
    else:
        value = _came(field, sys.stdin.readline())
    return field, Secret(value)


def _came(field: str, text: str) -> str:
    """What stdin gave, without its line's end. Nothing at all is a command that failed before the pipe."""
    from brain_gateway.domain.errors import ConfigurationError

    if not text:
        raise ConfigurationError(f"{field}: nothing came on stdin; {field}= stores an empty value")
    return text.removesuffix("\n")


def _lines(path: SecretPath, secret: StoredSecret, field: str | None, reveal: bool) -> list[str]:
    from brain_gateway.domain.errors import ConfigurationError

    if field is None:
        return [f"{name}={value.reveal() if reveal else value}" for name, value in sorted(secret.items())]
    if field not in secret:
        raise ConfigurationError(f"{path}: has no such field; it has {', '.join(sorted(secret))}")
    return [secret[field].reveal() if reveal else str(secret[field])]
