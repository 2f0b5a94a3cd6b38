"""SharedResponseStore on Valkey or Redis: a hash per resource, all keys of a tenant in one slot, all with a time.

Away or slow means: nothing found, nothing kept, and no question for half a second.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable
from hashlib import sha1
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from redis.exceptions import RedisError

from brain_gateway.application.ports.response_store import REMEMBERED, Found, Purge, ResourceKey, SelectorOf
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.domain.http.caching.stored import StoredResponse
from brain_gateway.infrastructure.valkey.response_scripts import DROP, FORGET, KEEP, PURGE
from brain_gateway.infrastructure.valkey.script import Script

if TYPE_CHECKING:
    from redis.asyncio import Redis

LEFT_ALONE = 0.5  # seconds after a failure
LONGEST_USE = 30 * 86400.0  # seconds
MOST_VARIANTS = 64  # of one resource
BATCH = 500  # resources that a purge looks at in one step
_FORMAT = 1
_PREFIX = struct.Struct(">BI")
_T = TypeVar("_T")


class ValkeyResponses:
    """`client` gives bytes. `timeout` in seconds bounds each question; `most`: bytes of one tenant's answers."""

    def __init__(self, client: Redis, timeout: float, most: int) -> None:
        self._client = client
        self._timeout = timeout
        self._most = most
        self._keep = Script(client, KEEP)
        self._drop = Script(client, DROP)
        self._purge = Script(client, PURGE)
        self._forget = Script(client, FORGET)
        self._away_until = 0.0

    async def find(self, key: ResourceKey, selector_of: SelectorOf) -> Found | None:
        """See SharedResponseStore."""
        return await self._asked(self._find(key, selector_of))

    async def _find(self, key: ResourceKey, selector_of: SelectorOf) -> Found:
        resource, plain = _resource(key), selector_of(())
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.get(_key(key.tenant, "seq"))
            pipe.hmget(resource, [b"v", plain])
            seq, (vary, first) = await pipe.execute()
        if vary is None:
            return Found(int(seq or 0), [], False)
        specs = [tuple(spec.split(b",")) if spec else () for spec in vary.split(b"\n")]
        selectors = [selector for selector in {selector_of(spec) for spec in specs} if selector != plain]
        more = await self._hmget(resource, selectors) if selectors else []
        blobs = [first] if () in specs else []
        found = [
            stored for blob in (*blobs, *more) if blob is not None and (stored := unpack(blob)) is not None
        ]
        return Found(int(seq or 0), found, True)

    async def _hmget(self, resource: str, fields: list[bytes]) -> list[bytes | None]:
        values: Any = self._client.hmget(resource, fields)
        return list(await values)

    async def changed(self, key: ResourceKey) -> int | None:
        """See SharedResponseStore."""
        return await self._asked(self._changed(key))

    async def _changed(self, key: ResourceKey) -> int:
        numbers = await self._client.mget(_key(key.tenant, "purged"), _key(key.tenant, f"g:{_sha(key)}"))
        return max(int(number or 0) for number in numbers)

    async def keep(self, key: ResourceKey, stored: StoredResponse, mark: int) -> bool:
        """See SharedResponseStore."""
        use = min(stored.kept_for(stored.received), LONGEST_USE)
        if use <= 0:
            return False
        arguments = (
            _member(key), mark, stored.selector, b",".join(stored.vary), pack(stored), round(use * 1000) + 1,
            self._most, MOST_VARIANTS,
        )  # fmt: skip
        return bool(await self._asked(self._keep(_keys(key, "purged"), arguments)))

    async def drop(self, key: ResourceKey) -> bool:
        """See SharedResponseStore."""
        arguments = (_member(key), round(REMEMBERED))
        return await self._asked(self._drop(_keys(key), arguments)) is not None

    async def purge(self, purge: Purge) -> int:
        """See SharedResponseStore."""
        part = purge.part
        count, cursor = 0, 0
        try:
            await self._bounded(self._purge([_key(part, "seq"), _key(part, "purged")]))
            while True:
                scan: Any = self._client.zscan(_key(part, "index"), cursor, count=BATCH)
                cursor, page = await self._bounded(scan)
                meant = [member for member, _ in page if purge.concerns(*_parts(member))]
                if meant:
                    resources = [_key(part, f"r:{_digest(member)}") for member in meant]
                    keys = [*(_key(part, name) for name in ("seq", "index", "sizes")), *resources]
                    count += await self._bounded(self._forget(keys, meant))
                if not cursor:
                    return count
        except (RedisError, OSError) as error:
            raise StoreUnavailable from error

    async def _bounded(self, question: Awaitable[_T]) -> _T:
        async with asyncio.timeout(self._timeout):
            return await question

    async def _asked(self, question: Awaitable[_T]) -> _T | None:
        """The answer, or None without one."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            if asyncio.iscoroutine(question):
                question.close()
            return None
        try:
            return await self._bounded(question)
        except (RedisError, OSError):
            self._away_until = loop.time() + LEFT_ALONE
            return None


def _key(tenant: str, name: str) -> str:
    return f"{{bg:{tenant}}}:rc:{name}"


def _member(key: ResourceKey) -> bytes:
    return key.service.encode() + b"\0" + key.target


def _parts(member: bytes) -> tuple[str, bytes]:
    service, _, target = member.partition(b"\0")
    return service.decode(), target


def _keys(key: ResourceKey, *more: str) -> list[str]:
    """All that a script may touch for one resource: a Cluster that is moving them runs it where they all are."""
    sha = _sha(key)
    return [_key(key.tenant, name) for name in ("seq", f"g:{sha}", f"r:{sha}", "index", "sizes", *more)]


def _sha(key: ResourceKey) -> str:
    return _digest(_member(key))


def _digest(member: bytes) -> str:
    """As Lua makes it: a name, not a secret."""
    return sha1(member, usedforsecurity=False).hexdigest()


def _resource(key: ResourceKey) -> str:
    return _key(key.tenant, f"r:{_sha(key)}")


def pack(stored: StoredResponse) -> bytes:
    """A byte for the format, the length of the head in four, the head in JSON (bytes as Latin-1), the body."""
    head = orjson.dumps(
        [
            stored.status, _text(stored.status_line), [*map(_text, stored.lines)], [*map(_text, stored.cors)],
            stored.received, stored.initial_age, stored.lifetime, stored.validate, stored.strict,
            stored.stale_if_error, stored.stale_while_revalidate, _text(stored.etag), _text(stored.last_modified),
            stored.date, [*map(_text, stored.vary)], _text(stored.selector),
        ]
    )  # fmt: skip
    return _PREFIX.pack(_FORMAT, len(head)) + head + stored.body


def unpack(blob: bytes) -> StoredResponse | None:
    """What `pack` made; None for what it did not, or another version of it."""
    if len(blob) < _PREFIX.size:
        return None
    form, length = _PREFIX.unpack_from(blob)
    if form != _FORMAT:
        return None
    end = _PREFIX.size + length
    try:
        (status, status_line, lines, cors, received, initial_age, lifetime, validate, strict, error, revalidate, etag,
         modified, date, vary, selector) = orjson.loads(blob[_PREFIX.size : end])  # fmt: skip
        return StoredResponse(
            status=status, status_line=_bytes(status_line), lines=tuple(map(_bytes, lines)),
            cors=tuple(map(_bytes, cors)), body=blob[end:], received=received, initial_age=initial_age,
            lifetime=lifetime, validate=validate, strict=strict, stale_if_error=error,
            stale_while_revalidate=revalidate, etag=_bytes(etag), last_modified=_bytes(modified), date=date,
            vary=tuple(map(_bytes, vary)), selector=_bytes(selector),
        )  # fmt: skip
    except (ValueError, TypeError, AttributeError):
        return None


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")
