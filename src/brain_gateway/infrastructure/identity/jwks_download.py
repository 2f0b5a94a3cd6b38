"""Downloads a JWK Set: bounded in time, in size, and to one origin."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import httpx

MAX_BODY_BYTES = 1024 * 1024
MAX_REDIRECTS = 3
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,10})(?:$|[,\s])", re.IGNORECASE)
_HEADERS = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}


class DownloadError(Exception):
    """The document did not come; the text says why and names neither address nor content."""


@dataclass(frozen=True, slots=True)
class Document:
    """The body of a 200 answer, and for how many seconds it is fresh if the answer says so."""

    body: bytes
    max_age: float | None


class JwksDownload:
    """One HTTP client for one URL."""

    def __init__(self, url: str, seconds: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = httpx.URL(url)
        self._seconds = seconds
        self._client = httpx.AsyncClient(transport=transport, timeout=seconds, headers=_HEADERS)

    async def get(self) -> Document:
        """Fetch the document within the time given. Raises DownloadError."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow()
        except TimeoutError:
            raise DownloadError(f"no complete answer within {self._seconds:g} s") from None
        except httpx.TimeoutException:
            raise DownloadError(f"no answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DownloadError(f"the request failed ({type(error).__name__})") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _follow(self) -> Document:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            async with self._client.stream("GET", url) as response:
                if not response.has_redirect_location:
                    return await _document(response)
                url = url.join(response.headers["location"])
            if (url.scheme, url.netloc) != (self._url.scheme, self._url.netloc):
                raise DownloadError("the answer is a redirect to another host")
        raise DownloadError(f"more than {MAX_REDIRECTS} redirects")


async def _document(response: httpx.Response) -> Document:
    if response.status_code != httpx.codes.OK:
        raise DownloadError(f"the answer has status {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise DownloadError("the answer is compressed, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw(64 * 1024):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise DownloadError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
    return Document(bytes(body), _max_age(response.headers.get("cache-control", "")))


def _max_age(cache_control: str) -> float | None:
    """Seconds of freshness (RFC 9111 section 5.2.2.1), if said and not forbidden."""
    found = _MAX_AGE.search(cache_control)
    forbidden = "no-store" in cache_control.lower() or "no-cache" in cache_control.lower()
    return float(found[1]) if found and not forbidden else None
