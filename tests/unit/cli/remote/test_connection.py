"""Who asks, and where: shared options of every command."""

from __future__ import annotations

import ssl

import httpx
import pytest

from brain_gateway.cli.remote.connection import transport
from brain_gateway.cli.remote.exits import ExitCode, Stopped

TOKEN, KEY = "eyJ-planted-token", "bgk_planted-key-0123456789"


@pytest.fixture
def listed(run, admin):
    """Runs `tenants list`, and gives the result and the one request."""
    admin.on("GET", "/tenants", {"items": []})

    def call(*options, **environ):
        result = run("tenants", "list", *options, **environ)
        assert TOKEN not in result.output
        assert KEY not in result.output
        return result, admin.requests[-1] if admin.requests else None

    return call


def test_the_usual_address_without_credentials(listed):
    result, request = listed()
    assert result.exit_code == 0
    assert str(request.url).startswith("http://127.0.0.1:8001/api/v1/tenants")
    assert "Authorization" not in request.headers
    assert "X-API-Key" not in request.headers


@pytest.mark.parametrize(
    ("options", "environ", "name", "value"),
    [
        (("--token", TOKEN), {}, "Authorization", f"Bearer {TOKEN}"),
        ((), {"BRAIN_GATEWAY_TOKEN": TOKEN}, "Authorization", f"Bearer {TOKEN}"),
        (("--api-key", KEY), {}, "X-API-Key", KEY),
        ((), {"BRAIN_GATEWAY_API_KEY": KEY}, "X-API-Key", KEY),
        (("--token-file", "token.txt"), {}, "Authorization", f"Bearer {TOKEN}"),
    ],
)
def test_credentials(listed, tmp_path, options, environ, name, value):
    (tmp_path / "token.txt").write_text(f"{TOKEN}\n")
    _, request = listed(*options, **environ)
    assert request.headers[name] == value


def test_the_address_from_the_environment(listed):
    _, request = listed(BRAIN_GATEWAY_URL="https://gw.example:9443/")
    assert str(request.url).startswith("https://gw.example:9443/api/v1/tenants")


def test_two_kinds_of_credentials(listed):
    result, request = listed("--token", TOKEN, BRAIN_GATEWAY_API_KEY=KEY)
    assert (result.exit_code, request) == (ExitCode.REFUSED, None)
    assert "leave the others out" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--url", "gw.example:8001"),
        ("--url", "ftp://gw.example"),
        ("--url", f"http://user:{KEY}@gw.example"),
        ("--url", "http://"),
        ("--url", "http://[::1"),
        ("--token-file", "absent.txt"),
        ("--token", "two\nlines"),
        ("--ca", "absent.pem", "--url", "https://gw.example"),
    ],
)
def test_what_cannot_be(listed, monkeypatch, options):
    if "--ca" in options:
        monkeypatch.setattr("brain_gateway.cli.remote.connection.transport", transport)
    result, request = listed(*options)
    assert (result.exit_code, request) == (ExitCode.REFUSED, None)
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


def test_credentials_in_clear_text_are_warned_of(listed):
    assert "clear text" in listed("--url", "http://gw.example", "--token", TOKEN)[0].stderr
    assert "clear text" not in listed("--url", "http://gw.example")[0].stderr
    assert "clear text" not in listed("--url", "https://gw.example", "--token", TOKEN)[0].stderr
    assert "clear text" not in listed("--token", TOKEN)[0].stderr


def test_refusals_of_the_gateway(run, admin):
    admin.refuse("GET", "/tenants", 401, "Credentials invalid", "get a new token", request_id="r1")
    result = run("tenants", "list", "--token", TOKEN)
    assert result.exit_code == ExitCode.NOT_ALLOWED
    assert (result.stdout, result.stderr) == (
        "",
        "error: Credentials invalid: get a new token (request r1)\n",
    )


def test_certificates_are_checked():
    made = transport(httpx.URL("https://gw.example"), None)
    assert isinstance(made, httpx.HTTPTransport)
    context = made._pool._ssl_context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_certificates_that_cannot_be_read(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(Stopped):
        transport(httpx.URL("https://gw.example"), tmp_path / "ca.pem")
