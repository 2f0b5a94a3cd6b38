"""Request ids and W3C trace contexts, made when the caller brings none (Trace Context level 1, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable

_AT_ONCE = 64


class TraceIds:
    """Draws entropy in blocks, for many lines at once: `entropy(n)` gives n random bytes."""

    __slots__ = ("_contexts", "_entropy", "_ids")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._ids: list[bytes] = []
        self._contexts: list[bytes] = []

    def request_id_line(self) -> bytes:
        """`X-Request-ID: ` and 32 hexadecimal digits."""
        if not self._ids:
            self._ids = [b"X-Request-ID: " + digits for digits in self._digits(32)]
        return self._ids.pop()

    def traceparent_line(self) -> bytes:
        """`traceparent: ` version, trace id, parent id, and the flag: not sampled."""
        if not self._contexts:
            self._contexts = [b"traceparent: 00-%b-%b-00" % (d[:32], d[32:]) for d in self._digits(48)]
        return self._contexts.pop()

    def _digits(self, digits: int) -> list[bytes]:
        drawn = self._entropy(_AT_ONCE * digits // 2).hex().encode()
        return [drawn[at : at + digits] for at in range(0, len(drawn), digits)]
