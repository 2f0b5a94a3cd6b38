"""The issuer's published keys, held in memory and kept fresh beside the requests.

Rules, each here for a reason:
- One fetch at a time; whoever needs keys meanwhile waits for that one.
- A fetch made for a token starts a pause when it did not bring that token's key, so tokens with made-up key
  ids cost the issuer one request a pause; a real new key is fetched the moment it is first seen.
- In the background keys are fetched again when they grow old, a little earlier or later each time.
- When a fetch fails the old keys stay (RFC 5861, stale-if-error), though not for ever.
- A key that the issuer no longer publishes goes at the next fetch, and `on_withdrawn` hears of it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from brain_gateway.domain.errors import IdentityUnavailable
from brain_gateway.domain.resilience.health import jittered
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.keys import KeySet, parse_key_set

if TYPE_CHECKING:
    import httpx

    from brain_gateway.infrastructure.identity.jwks_download import JwksDownload

_log = logging.getLogger(__name__)


class JwksCache:
    """The keys of `config.jwks_url`. Enter it to keep them fresh; without, they are fetched on demand only.

    `clock` is monotonic seconds, `entropy` gives [0, 1), `sleep` waits seconds.
    """

    def __init__(
        self,
        config: VerifierConfig,
        *,
        on_withdrawn: Callable[[], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        entropy: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._on_withdrawn = on_withdrawn
        self._transport = transport
        self._clock, self._entropy, self._sleep = clock, entropy, sleep
        self._keys = KeySet()
        self._fetched_at: float | None = None
        self._paused_until = float("-inf")
        self._download: JwksDownload | None = None
        self._flight: asyncio.Task[float] | None = None
        self._refresher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._refresher = asyncio.create_task(self._keep_fresh(), name="jwks refresh")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._paused_until = float("inf")  # nothing is fetched any more
        running = [task for task in (self._refresher, self._flight) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._download is not None:
            await self._download.aclose()

    @property
    def keys(self) -> KeySet:
        """The keys in memory. Raises IdentityUnavailable when there are none to be trusted."""
        if self._fetched_at is None:
            raise IdentityUnavailable("the keys that verify this token have not been obtained yet: try again")
        if self._clock() - self._fetched_at > self._config.jwks_max_stale:
            raise IdentityUnavailable("the keys that verify this token are out of date: try again")
        return self._keys

    @property
    def may_refetch(self) -> bool:
        """Whether a token with an unknown key is reason enough to ask the issuer now."""
        return self._clock() >= self._paused_until

    async def look_for(self, key_id: str | None) -> None:
        """Fetch the keys because a token names one that is not here."""
        if not self.may_refetch:
            return
        flight = self._fetch()
        await asyncio.wait({flight})  # not cancelled with the caller: others wait for it as well
        if not flight.cancelled():
            flight.result()  # what is not foreseen must not stay unseen
        if not self._knows(key_id):
            self._paused_until = self._clock() + self._config.jwks_min_refetch

    def _knows(self, key_id: str | None) -> bool:
        try:
            return bool(self.keys.named(key_id))
        except IdentityUnavailable:
            return False

    async def _keep_fresh(self) -> None:
        while True:
            seconds = await asyncio.shield(self._fetch())
            await self._sleep(jittered(seconds, self._entropy()))

    def _fetch(self) -> asyncio.Task[float]:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fetch_once(), name="jwks fetch")
        return self._flight

    async def _fetch_once(self) -> float:
        """One attempt; returns in how many seconds the next one is due."""
        # httpx takes a tenth of a second to import: a gateway that has only a secret does not pay for it.
        from brain_gateway.infrastructure.identity.jwks_download import DownloadError, JwksDownload

        url, seconds = self._config.jwks_url or "", self._config.jwks_timeout
        try:
            self._download = self._download or JwksDownload(url, seconds, self._transport)
            document = await self._download.get()
            keys = parse_key_set(document.body)
        except DownloadError as error:
            return self._failed(str(error))
        except OSError:
            return self._failed("the HTTP client cannot start: is SSL_CERT_FILE readable?")
        except ValueError:
            return self._failed("the answer is not a JWK Set")
        self._take(keys)
        return self._next(document.max_age)

    def _failed(self, reason: str) -> float:
        _log.warning("jwks_fetch_failed", extra={"reason": reason, "keys_in_memory": len(self._keys.keys)})
        return self._config.jwks_min_refetch

    def _next(self, max_age: float | None) -> float:
        interval = self._config.jwks_refresh_interval
        return interval if max_age is None else min(max(max_age, self._config.jwks_min_refetch), interval)

    def _take(self, keys: KeySet) -> None:
        withdrawn = self._keys.keys - keys.keys
        self._keys = keys
        self._fetched_at = self._clock()
        if withdrawn:
            _log.info("jwks_keys_withdrawn", extra={"count": len(withdrawn)})
            if self._on_withdrawn is not None:
                self._on_withdrawn()
