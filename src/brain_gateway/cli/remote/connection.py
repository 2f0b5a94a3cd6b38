"""Where the gateway is and who asks: the options that every command takes which talks to one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from brain_gateway.cli.remote.api import Api
from brain_gateway.cli.remote.exits import ExitCode, Stopped, told
from brain_gateway.cli.remote.screen import Screen

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
_PANEL = "The gateway"
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True, slots=True)
class Remote:
    """A running gateway, and where its answers are shown."""

    api: Api
    screen: Screen


def _options(
    address: Annotated[
        str,
        typer.Option(
            "--url", envvar="BRAIN_GATEWAY_URL", help="Address of the gateway.", rich_help_panel=_PANEL
        ),
    ] = "http://127.0.0.1:8001",
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="BRAIN_GATEWAY_TOKEN",
            help="Token to ask with. Others see the command line: prefer the variable or a file.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help="File that holds the token.", rich_help_panel=_PANEL),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            envvar="BRAIN_GATEWAY_API_KEY",
            help="API key to ask with, in the place of a token.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            envvar="BRAIN_GATEWAY_CA",
            help="Certificates (PEM) to trust in the place of the system's.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", min=0.1, help="Seconds to wait for an answer.", rich_help_panel=_PANEL),
    ] = 60.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what the gateway answers, as JSON.", rich_help_panel=_PANEL)
    ] = False,
) -> None:
    """The options themselves; typer reads them off this signature."""


_SHARED = tuple(inspect.signature(_options, eval_str=True).parameters.values())


def connected(command: Callable[Concatenate[Remote, P], None]) -> Callable[..., None]:
    """`command` as typer takes it: in the place of its first parameter it has the shared options."""
    own = tuple(inspect.signature(command, eval_str=True).parameters.values())[1:]

    def run(**values: Any) -> None:
        options = {shared.name: values.pop(shared.name) for shared in _SHARED}
        with told(), _connection(**options) as remote:
            command(remote, **values)  # type: ignore[call-arg]  # typer gives what the signature asks for

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *_SHARED)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may have one
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


@contextmanager
def _connection(
    address: str,
    token: str | None,
    token_file: Path | None,
    api_key: str | None,
    ca: Path | None,
    timeout: float,
    as_json: bool,
) -> Iterator[Remote]:
    import secrets
    import time

    import httpx

    place = _place(address)
    headers = {"Accept": "application/json", **_credentials(token, token_file, api_key)}
    if place.scheme == "http" and place.host not in _LOOPBACK and len(headers) > 1:
        typer.echo("warning: the credentials travel in clear text: use https", err=True)
    with httpx.Client(
        base_url=place,
        headers=headers,
        timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
        transport=transport(place, ca),
        trust_env=False,
    ) as http:
        yield Remote(Api(http, secrets.token_hex(16), time.sleep), Screen(as_json))


def transport(address: httpx.URL, ca: Path | None) -> httpx.BaseTransport:
    """How the gateway is reached; tests put another in its place."""
    import ssl

    import httpx

    if address.scheme == "http":
        return httpx.HTTPTransport(verify=False)
    try:
        return httpx.HTTPTransport(verify=ssl.create_default_context(cafile=ca))
    except OSError as error:
        raise Stopped(ExitCode.REFUSED, f"--ca {ca}: cannot be read as certificates") from error


def _place(url: str) -> httpx.URL:
    """The gateway's address. What is wrong with it is told without quoting it: it may hold a password."""
    import httpx

    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host or address.userinfo or address.query:
        raise Stopped(ExitCode.REFUSED, "--url: write http://host:port or https://host:port")
    return address


def _credentials(token: str | None, token_file: Path | None, api_key: str | None) -> dict[str, str]:
    given = [
        name for name, value in (("token", token), ("token file", token_file), ("API key", api_key)) if value
    ]
    if len(given) > 1:
        raise Stopped(ExitCode.REFUSED, f"one of {', '.join(given)} decides who asks: leave the others out")
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise Stopped(ExitCode.REFUSED, f"--token-file {token_file}: cannot be read as a token") from None
    secret = token or api_key
    if secret and not (secret.isascii() and secret.isprintable()):
        raise Stopped(ExitCode.REFUSED, "the credentials hold characters that no token and no key has")
    if token:
        return {"Authorization": f"Bearer {token}"}
    return {"X-API-Key": api_key} if api_key else {}
