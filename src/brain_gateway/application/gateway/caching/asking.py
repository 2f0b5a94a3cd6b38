"""What becomes of the service's answer: passed on and kept, put in the place of what was stored, or only passed on."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.caching.asked import MADE_ANEW, authenticated
from brain_gateway.application.gateway.caching.heads import marked_head
from brain_gateway.domain.http.caching import cache_status
from brain_gateway.domain.http.caching.directives import of_response
from brain_gateway.domain.http.caching.reuse import ERRORS
from brain_gateway.domain.http.caching.selection import vary_names
from brain_gateway.domain.http.caching.storability import why_not_stored
from brain_gateway.domain.http.caching.storing import Circumstances, freshen, store, with_body
from brain_gateway.domain.http.caching.validation import CONDITIONS, agrees, conditions, freshens
from brain_gateway.domain.http.caching.values import combined
from brain_gateway.domain.http.requests import Request, without

if TYPE_CHECKING:
    from collections.abc import Iterable

    from brain_gateway.application.gateway.caching.carriage import Carriage
    from brain_gateway.domain.http.caching.stored import StoredResponse
    from brain_gateway.domain.http.responses import ResponseHead


def revalidation(head: Request, stored: StoredResponse) -> Request:
    """The request with the conditions of what is stored in the place of its own."""
    block = copy(head.fields)
    block.lines = [*without(block.lines, set(CONDITIONS)), *conditions(stored)]
    block.joined = b"\r\n".join(block.lines) + b"\r\n"
    return Request(head.line, block, head.keep_alive)


class Asking:
    """One question to the service. `detail`: why the cache keeps out of it."""

    def __init__(self, carriage: Carriage, detail: str = "") -> None:
        self._carriage = carriage
        self._detail = detail
        self._asked = carriage.cache.unix()
        self._made: StoredResponse | None = None  # what is stored of it, but for its body
        self._pieces: list[bytes] | None = None  # None: it is not kept
        self._size = 0

    def answered(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """The head has come, with what of the body was there."""
        carriage = self._carriage
        if not self._detail:
            if carriage.stored is not None and self._settled(carriage.stored, head):
                return
            carriage.cache.count(carriage, "miss")
        reason = self._detail or self._why_not(head)
        line = cache_status.forwarded(
            carriage.why, stored=not reason, collapsed=carriage.collapsed, detail=reason
        )
        if not reason:
            self._pieces, self._size = [], 0
            self._take(pieces, complete)
        carriage.inner.on_response(marked_head(head, line), pieces, complete)
        if reason:
            carriage.land(useless=not self._detail)
        else:
            self._landed(complete)

    def _settled(self, stored: StoredResponse, head: ResponseHead) -> bool:
        """Whether it was an answer on what is stored, and the client has got that."""
        carriage = self._carriage
        if head.status == 304 and stored.validator:
            self._validated(stored, head)
            return True
        if head.status in ERRORS and carriage.serve_instead("UpstreamError", head.status):
            carriage.land()
            return True
        if head.status == 200 and carriage.bodiless:
            if agrees(stored, combined(head.lines)):
                self._kept_again(freshen(stored, head.lines, self._circumstances()))
            else:
                carriage.cache.drop(carriage.asked.key)
        return False

    def body(self, pieces: list[bytes], complete: bool) -> None:
        """More of it."""
        if self._pieces is None:
            self._carriage.inner.on_body(pieces, complete)
            return
        self._take(pieces, complete)
        self._carriage.inner.on_body(pieces, complete)
        self._landed(complete)

    def broken(self) -> None:
        """It broke off: half an answer is not kept."""
        self._pieces = None

    def _landed(self, complete: bool) -> None:
        if complete:
            self._carriage.land()
        elif self._pieces is None:
            self._carriage.land(useless=True)

    def _why_not(self, head: ResponseHead) -> str:
        """Why this answer is not kept; empty when it is."""
        carriage = self._carriage
        reason = self._forbidden(head.status, head.lines)
        if reason:
            return reason
        if head.event_stream:
            return "event-stream"
        if head.length > carriage.policy.max_body:
            return "too-large"
        if carriage.bodiless:
            return "head"
        made = store(head.status, head.status_line, head.lines, head.cors, self._circumstances())
        if made.kept_for(carriage.cache.unix()) <= 0:
            return "no-freshness"
        self._made = made
        return ""

    def _forbidden(self, status: int, lines: Iterable[bytes]) -> str:
        """Why an answer with these lines must not be stored."""
        carriage = self._carriage
        values = combined(lines)
        shown = authenticated(carriage.exchange) and not self._own()
        control = carriage.asked.control
        reason = why_not_stored(status, values, of_response(values), control, authenticated=shown)
        if reason is None and not MADE_ANEW.isdisjoint(vary_names(values)):
            return "vary"
        return reason or ""

    def _own(self) -> bool:
        """Whether what is kept is this user's alone."""
        return self._carriage.policy.per_user and self._carriage.exchange.lane.session.principal is not None

    def _circumstances(self) -> Circumstances:
        carriage = self._carriage
        policy, asked = carriage.policy, carriage.asked
        return Circumstances(
            self._asked,
            carriage.cache.unix(),
            asked.base,
            asked.value_of,
            policy.default_ttl,
            policy.stale_if_error,
        )

    def _take(self, pieces: list[bytes], complete: bool) -> None:
        assert self._pieces is not None
        assert self._made is not None
        self._size += sum(map(len, pieces))
        if self._size > self._carriage.policy.max_body:
            self._pieces = None
            return
        self._pieces += pieces
        if complete:
            self._keep(with_body(self._made, b"".join(self._pieces)))

    def _keep(self, stored: StoredResponse) -> None:
        carriage = self._carriage
        carriage.cache.keep(carriage.asked.key, stored, carriage.mark, carriage.shared_mark)
        carriage.exchange.lane.entry.metrics.cache_bytes += len(stored.body)

    def _validated(self, stored: StoredResponse, head: ResponseHead) -> None:
        carriage = self._carriage
        if not freshens(stored, combined(head.lines)):
            carriage.cache.drop(carriage.asked.key)
            carriage.ask_anew()
            return
        updated = freshen(stored, head.lines, self._circumstances())
        self._kept_again(updated)
        carriage.serve_validated(updated)
        carriage.land()

    def _kept_again(self, updated: StoredResponse) -> None:
        """In the place of what was stored, unless its new fields forbid it."""
        carriage = self._carriage
        if self._forbidden(updated.status, updated.lines):
            carriage.cache.drop(carriage.asked.key)
        else:
            carriage.cache.keep(carriage.asked.key, updated, carriage.mark, carriage.shared_mark)
