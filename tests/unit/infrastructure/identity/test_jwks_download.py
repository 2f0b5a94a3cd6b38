"""The download is bounded: one origin, plain bytes, one mebibyte, a time."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from brain_gateway.infrastructure.identity.jwks_download import (
    MAX_BODY_BYTES,
    DownloadError,
    JwksDownload,
)
from tests.builders.issuer import Body

pytestmark = pytest.mark.anyio
URL = "https://issuer.example/jwks.json"


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def get(*answers, seconds: float = 5.0):
    """The document, when the issuer gives these answers one after the other; and the URLs asked for."""
    left, asked = list(answers), []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, httpx.Response) else await given()

    download = JwksDownload(URL, seconds, httpx.MockTransport(answer))
    try:
        return await download.get(), asked
    finally:
        await download.aclose()


def ok(*pieces: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=named, stream=Body(*pieces))


def moved(to: str) -> httpx.Response:
    return httpx.Response(302, headers={"location": to}, stream=Body())


async def refused(*answers, seconds: float = 5.0) -> str:
    with pytest.raises(DownloadError) as caught:
        await get(*answers, seconds=seconds)
    assert "issuer.example" not in str(caught.value)
    return str(caught.value)


async def test_a_document_and_its_freshness():
    document, asked = await get(ok(b'{"keys"', b":[]}", cache_control="max-age=120"))
    assert (document.body, document.max_age, asked) == (b'{"keys":[]}', 120.0, [URL])


async def test_redirects_within_the_origin_are_followed():
    document, asked = await get(moved("/a"), moved("https://issuer.example/b?c=d"), ok(b"{}"))
    assert document.body == b"{}"
    assert asked == [URL, "https://issuer.example/a", "https://issuer.example/b?c=d"]


@pytest.mark.parametrize(
    "to",
    [
        "https://attacker.example/jwks.json",
        "//attacker.example/jwks.json",
        "http://issuer.example/jwks.json",
        "https://issuer.example:8443/jwks.json",
        "https://issuer.example@attacker.example/",
        "ftp://issuer.example/",
        "file:///etc/passwd",
    ],
)
async def test_redirects_elsewhere_are_not(to):
    assert "another host" in await refused(moved(to))


async def test_redirects_are_counted():
    assert "redirects" in await refused(*(moved("/again") for _ in range(4)))


async def test_a_broken_redirect_is_a_failure():
    assert await refused(moved("https://[broken"))


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 404, 500, 503])
async def test_only_200_is_an_answer(status):
    assert str(status) in await refused(httpx.Response(status, stream=Body(b"{}")))


async def test_the_size_is_bounded():
    piece = b" " * 65536
    document, _ = await get(ok(*[piece] * 16))
    assert len(document.body) == MAX_BODY_BYTES
    assert "longer than" in await refused(ok(*[piece] * 16, b" "))


async def test_a_compressed_answer_is_not_unpacked():
    assert "compressed" in await refused(ok(b"\x1f\x8b", content_encoding="gzip"))


async def test_the_whole_fetch_is_bounded_in_time():
    async def never():
        await asyncio.Event().wait()

    async with asyncio.timeout(2):
        assert "0.01 s" in await refused(never, seconds=0.01)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("[Errno 111] issuer.example:443"),
        httpx.ReadTimeout("issuer.example"),
        httpx.RemoteProtocolError("issuer.example said nonsense"),
    ],
)
async def test_failures_of_the_client_do_not_pass_their_texts_on(error):
    assert await refused(error)
