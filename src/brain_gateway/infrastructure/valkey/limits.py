"""LimitStore on Valkey or Redis: one hash per limit, one script call per question, questions in one round trip.

Keys are spread over PARTS hash tags, so that a Cluster can divide them; each part has an epoch, which is gone when
the data are. The store must not evict keys (maxmemory-policy noeviction, or volatile-* with room to spare).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha1
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import NoScriptError, RedisError

from brain_gateway.application.ports.limit_store import LeaseRequest, Pulse
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.leases import Grant
from brain_gateway.domain.resilience.ledger import grain_of
from brain_gateway.infrastructure.valkey.failures import reason
from brain_gateway.infrastructure.valkey.scripts import EPOCH, LEASE, MEMBERS

if TYPE_CHECKING:
    from redis.asyncio import Redis

PARTS = 8
SETTLE = 0.75  # seconds at most for reports after data were lost
FORGOTTEN_AFTER = 2.0  # seconds after its last call a process is no member any more
SLICES = 5  # of a timeout
MOST_SLICES = 15  # however long this process is held up
_MICRO = 1_000_000
_T = TypeVar("_T")
Call = tuple[str, Sequence[str], Sequence[str | int]]  # script, keys, arguments


def part_of(key: str) -> int:
    """The part that a limit's key belongs to."""
    return zlib.crc32(key.encode()) % PARTS


class ValkeyLimits:
    """`timeout` in seconds bounds every call; `entropy(n)` gives n random bytes; `settle`: see SETTLE."""

    def __init__(
        self, client: Redis, timeout: float, entropy: Callable[[int], bytes], settle: float = SETTLE
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._entropy = entropy
        self._settle = settle
        self._epochs = [""] * PARTS

    async def lease(self, requests: Sequence[LeaseRequest]) -> list[Grant | None]:
        """See LimitStore."""
        answers = await self._run([self._call(request) for request in requests])
        return [_grant(answer) for answer in answers]

    async def pulse(self, member: str, told: int = 0) -> Pulse:
        """See LimitStore."""
        calls: list[Call] = [(MEMBERS, ["{bg}:members"], [member, round(FORGOTTEN_AFTER * _MICRO)])]
        for part, known in enumerate(self._epochs):
            keys = [f"{{bg{part}}}:epoch", f"{{bg{part}}}:reported"][: 2 if told else 1]
            fresh = self._entropy(8).hex()
            calls.append((EPOCH, keys, [known, fresh, round(self._settle * _MICRO), member, told]))
        members, *epochs = await self._run(calls)
        lost = set()
        for part, (found, _) in enumerate(epochs):
            before, self._epochs[part] = self._epochs[part], found.decode()
            if before and before != self._epochs[part]:
                lost.add(part)
        settling = max(wait for _, wait in epochs) / _MICRO
        return Pulse(members, (lambda key: part_of(key) in lost) if lost else None, settling)

    async def leave(self, member: str) -> None:
        """See LimitStore."""
        await self._bounded(self._client.zrem("{bg}:members", member))

    def _call(self, request: LeaseRequest) -> Call:
        key, limit, ask = request.key, request.limit, request.ask
        part = part_of(key)
        arguments: list[str | int] = [
            self._epochs[part], ask.want, ask.need, request.members, limit.requests,
            ceil(limit.window * _MICRO), ceil(request.life * _MICRO), ceil(grain_of(limit) * _MICRO),
            limit.burst or 0, len(ask.back),
        ]  # fmt: skip
        for receipt, count in ask.back:
            arguments += (receipt, count)
        for left, count in ask.report:
            arguments += (ceil(left * _MICRO), count)
        return LEASE, [f"{{bg{part}}}:limit:{key}", f"{{bg{part}}}:epoch"], arguments

    async def _run(self, calls: Sequence[Call]) -> list[Any]:
        """The answers; scripts that the store does not know (any more) are sent whole."""
        answers = await self._bounded(self._pipeline(calls, whole=False))
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._bounded(self._pipeline([calls[at] for at in unknown], whole=True))
            for at, answer in zip(unknown, again, strict=True):
                answers[at] = answer
        if failures := [answer for answer in answers if isinstance(answer, RedisError)]:
            raise LimitsUnavailable(reason(failures[0]))
        return answers

    async def _pipeline(self, calls: Sequence[Call], whole: bool) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for script, keys, arguments in calls:
                if whole:
                    pipe.eval(script, len(keys), *keys, *arguments)
                else:
                    pipe.evalsha(_SHA[script], len(keys), *keys, *arguments)
            answers: list[Any] = await pipe.execute(raise_on_error=False)
            return answers

    async def _bounded(self, work: Awaitable[_T]) -> _T:
        """Its result within the timeout. Only slices that end in time count: in the others this process was held up
        itself, which says nothing of the store."""
        loop, slice_ = asyncio.get_running_loop(), self._timeout / SLICES
        task = asyncio.ensure_future(work)
        task.add_done_callback(_looked_at)
        left = SLICES
        try:
            for _ in range(MOST_SLICES):
                due = loop.time() + slice_
                await asyncio.wait([task], timeout=slice_)
                if task.done():
                    return task.result()
                left -= loop.time() < due + slice_ / 2
                if not left:
                    break
        except (RedisError, OSError) as error:
            raise LimitsUnavailable(reason(error)) from error
        finally:
            task.cancel()
        raise LimitsUnavailable(reason(None))


def _looked_at(task: asyncio.Future[Any]) -> None:
    """A call that was given up may still fail: nobody else will ask."""
    if not task.cancelled():
        task.exception()


def _grant(answer: list[int]) -> Grant | None:
    count, receipt, free, wait = answer
    return None if count < 0 else Grant(count, receipt, free, wait / _MICRO)


_SHA = {
    script: sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (LEASE, EPOCH, MEMBERS)
}
