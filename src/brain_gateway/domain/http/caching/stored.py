"""A stored response, with everything that reuse asks for already worked out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """Times are unix seconds, spans are seconds.

    lines, cors: field lines without CRLF, in order, cors being those of the CORS protocol. received: when the answer
    (or the last 304 for it) came. initial_age: its corrected_initial_age then (RFC 9111 section 4.2.3). lifetime: its
    freshness_lifetime. validate: no-cache, each use needs a validation. strict: must not be served stale whatever
    else allows it. stale_if_error, stale_while_revalidate: for how long after its lifetime (RFC 5861). vary: names of
    selecting fields in lower case. selector: what they were, as `selection.selector` writes it.
    """

    status: int
    status_line: bytes
    lines: tuple[bytes, ...]
    cors: tuple[bytes, ...]
    body: bytes
    received: float
    initial_age: float
    lifetime: float
    validate: bool
    strict: bool
    stale_if_error: float
    stale_while_revalidate: float
    etag: bytes
    last_modified: bytes
    date: float
    vary: tuple[bytes, ...]
    selector: bytes

    def age(self, now: float) -> float:
        """The current_age (RFC 9111 section 4.2.3); a clock that was set back makes nothing younger."""
        return self.initial_age + max(0.0, now - self.received)

    def left(self, now: float) -> float:
        """How long it is fresh yet; not above 0: it is stale."""
        return self.lifetime - self.age(now)

    def kept_for(self, now: float) -> float:
        """For how long it can be of use: fresh, stale where that is allowed, or to be validated."""
        grace = max(
            self.stale_if_error, self.stale_while_revalidate, LONGEST_STALE if self.validator else 0.0
        )
        return self.left(now) + grace

    @property
    def validator(self) -> bool:
        """Whether the service can be asked if it still holds."""
        return bool(self.etag or self.last_modified)

    @property
    def size(self) -> int:
        """Bytes, roughly, that keeping it costs."""
        return len(self.body) + sum(map(len, self.lines)) + sum(map(len, self.cors)) + OVERHEAD


OVERHEAD = 1024  # bytes: the objects around an entry
LONGEST_STALE = 86400.0  # seconds that an answer with a validator is kept after its lifetime
