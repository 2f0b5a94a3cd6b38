"""What was revoked before its time: token ids (jti) and hashes of API keys."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

from brain_gateway.domain.errors import InternalError


class Denylist:
    """A bounded set whose members leave by themselves when the credential would have expired anyway.

    When it is full of members that still matter, a new revocation is refused aloud: forgetting an old one
    would quietly let somebody back in. `on_revoked` hears each identifier, to end remembered sessions.
    """

    def __init__(self, capacity: int = 100_000, on_revoked: Callable[[str], None] | None = None) -> None:
        self._capacity = capacity
        self._on_revoked = on_revoked
        self._until: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._until)

    def revoke(self, identifier: str, now_unix: float, until: float = math.inf) -> None:
        """Refuse an identifier until `until` (seconds since the epoch). Raises InternalError when full."""
        if until <= now_unix:
            return
        self._purge(now_unix)
        if identifier not in self._until and len(self._until) >= self._capacity:
            raise InternalError(f"{self._capacity} credentials are revoked already: rotate the issuer's keys")
        if until > self._until.get(identifier, -math.inf):
            self._until[identifier] = until
            if until < math.inf:
                heapq.heappush(self._due, (until, identifier))
        if self._on_revoked is not None:
            self._on_revoked(identifier)

    def revoked(self, identifier: str, now_unix: float) -> bool:
        """Whether the identifier is refused at `now_unix`."""
        until = self._until.get(identifier)
        return until is not None and until > now_unix

    def _purge(self, now_unix: float) -> None:
        """Drop what has expired; an entry that was extended since has another line in the heap."""
        while self._due and self._due[0][0] <= now_unix:
            until, identifier = heapq.heappop(self._due)
            if self._until.get(identifier) == until:
                del self._until[identifier]
