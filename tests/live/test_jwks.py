"""Published keys over a real socket: rotation, crowds, and an issuer on its bad days."""

from __future__ import annotations

import asyncio
import time

import pytest

from brain_gateway.application.ports.token_verifier import PENDING
from brain_gateway.domain.errors import CredentialsInvalid, IdentityUnavailable
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.verifier import TokenVerifier
from tests.builders.issuer import Issuer, claims
from tests.builders.raw_server import closed_port, raw_server
from tests.live.harness.gateway import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": flag}) for flag in (False, True)], ids=["asyncio", "uvloop"]
)
def anyio_backend(request):
    return request.param


class IssuerSite:
    """An issuer's site. `mode` says how it answers; `requests` counts the requests."""

    def __init__(self):
        self.issuer = Issuer()
        self.issuer.add("k1", "RS256")
        self.mode = "keys"
        self.requests = 0
        self.max_age = 300

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            self.requests += 1
            await getattr(self, self.mode)(writer)

    async def keys(self, writer):
        self._answer(writer, self.issuer.jwks(), f"Cache-Control: max-age={self.max_age}\r\n")

    async def error(self, writer):
        self._answer(writer, b"{}", status="503 Service Unavailable")

    async def html(self, writer):
        self._answer(writer, b"<html>maintenance</html>")

    async def huge(self, writer):
        self._answer(writer, b'{"keys":[]' + b" " * (1024 * 1024) + b"}")

    async def redirect(self, writer):
        self._answer(writer, b"", f"Location: http://127.0.0.2:{closed_port()}/\r\n", "302 Found")

    async def garbage(self, writer):
        writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n" * 10)

    async def hang(self, writer):
        await asyncio.Event().wait()

    async def drip(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.01)

    async def cut(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()

    def _answer(self, writer, body: bytes, fields: str = "", status: str = "200 OK") -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def config(port: int, **changes) -> VerifierConfig:
    usual = {"jwks_min_refetch": 0.2, "jwks_refresh_interval": 60, "jwks_timeout": 9, "require_https": True}
    return VerifierConfig(jwks_url=f"http://127.0.0.1:{port}/jwks.json", **(usual | changes))


async def verify(verifier: TokenVerifier, token: bytes) -> str:
    """Verified user id, or the name of the error."""
    try:
        if verifier.verify(token, time.time()) is PENDING:
            await verifier.resolve(token)
        principal = verifier.verify(token, time.time())
    except (CredentialsInvalid, IdentityUnavailable) as error:
        return type(error).__name__
    assert principal is not PENDING
    return principal.user_id


def fresh(**changes):
    return claims(exp=time.time() + 60, **changes)


async def test_keys_rotate():
    site = IssuerSite()
    async with raw_server(site.serve) as port, TokenVerifier(config(port)) as verifier:
        assert await verify(verifier, site.issuer.token("k1", fresh())) == "user-1"
        for kid, algorithm in (("k2", "ES256"), ("k3", "EdDSA"), ("k4", "ES384")):
            site.issuer.add(kid, algorithm)
            assert await verify(verifier, site.issuer.token(kid, fresh())) == "user-1"


async def test_a_removed_key_stops_verifying_after_the_refresh():
    site, withdrawn = IssuerSite(), []
    site.max_age = 0
    async with (
        raw_server(site.serve) as port,
        TokenVerifier(
            config(port, jwks_min_refetch=0.05), on_withdrawn=lambda: withdrawn.append(1)
        ) as verifier,
    ):
        token = site.issuer.token("k1", fresh())
        assert await verify(verifier, token) == "user-1"
        site.issuer.add("k2", "ES256")
        del site.issuer.keys["k1"]

        async def refused() -> bool:
            return await verify(verifier, token) == "CredentialsInvalid"

        await eventually(refused, "the key is forgotten")
        assert withdrawn == [1]


async def test_100_concurrent_unknown_keys_cost_one_request():
    site, stranger = IssuerSite(), Issuer()
    async with raw_server(site.serve) as port:
        verifier = TokenVerifier(config(port, jwks_min_refetch=30))
        async with verifier:
            assert await verify(verifier, site.issuer.token("k1", fresh())) == "user-1"
            before = site.requests
            for n in range(100):
                stranger.add(f"x{n}", "ES256", serial=9)
            crowd = [verify(verifier, stranger.token(f"x{n}", fresh())) for n in range(100)]
            assert set(await asyncio.gather(*crowd)) == {"CredentialsInvalid"}
            assert set(
                await asyncio.gather(*(verify(verifier, stranger.token("x1", fresh())) for _ in range(100)))
            )
            assert site.requests == before + 1
            assert await verify(verifier, site.issuer.token("k1", fresh())) == "user-1"


async def test_an_issuer_that_is_down_at_first():
    port = closed_port()
    verifier = TokenVerifier(config(port))
    issuer = Issuer()
    issuer.add("k1")
    assert await verify(verifier, issuer.token("k1", fresh())) == "IdentityUnavailable"


@pytest.mark.parametrize("mode", ["error", "html", "huge", "redirect", "garbage", "hang", "drip", "cut"])
async def test_bad_days_leave_the_old_keys_and_pass(mode):
    site, stranger = IssuerSite(), Issuer()
    stranger.add("x", "ES256", serial=9)
    brief = {"jwks_min_refetch": 0.05, "jwks_timeout": 0.5}
    async with raw_server(site.serve) as port, TokenVerifier(config(port, **brief)) as verifier:
        known = site.issuer.token("k1", fresh())

        async def begun() -> bool:
            return await verify(verifier, known) == "user-1"

        await eventually(begun, "the keys are there")
        site.mode = mode
        assert await verify(verifier, stranger.token("x", fresh())) == "CredentialsInvalid"
        assert await verify(verifier, known) == "user-1"
        site.mode = "keys"
        site.issuer.add("k2", "ES256")

        async def verified() -> bool:
            return await verify(verifier, site.issuer.token("k2", fresh())) == "user-1"

        await eventually(verified, "the new key is known")


@pytest.mark.parametrize("mode", ["hang", "drip", "garbage"])
async def test_without_any_keys_a_bad_day_is_said_to_be_one(mode):
    site = IssuerSite()
    site.mode = mode
    async with raw_server(site.serve) as port, TokenVerifier(config(port, jwks_timeout=0.5)) as verifier:
        assert await verify(verifier, site.issuer.token("k1", fresh())) == "IdentityUnavailable"
