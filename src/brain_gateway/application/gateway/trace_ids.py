"""Request ids and W3C trace contexts, made when the caller brings none (Trace Context level 1, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable

from brain_gateway.domain.http.fields import value_of

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

    def span_id(self) -> bytes:
        """16 hexadecimal digits."""
        return value_of(self.traceparent_line())[36:52]

    def _digits(self, digits: int) -> list[bytes]:
        drawn = self._entropy(_AT_ONCE * digits // 2).hex().encode()
        return [drawn[at : at + digits] for at in range(0, len(drawn), digits)]


class TracePolicy:
    """Contexts for requests that are spans of our own: same trace, this hop as the parent.

    Without spans there is no policy: the caller's context is passed on as it is (Trace Context, section 4.3), or one
    is made. `sample`: share of the traces begun here that are recorded; a caller's decision is kept.
    """

    def __init__(self, ids: TraceIds, sample: float) -> None:
        self._ids = ids
        self._stride = round(1 / sample) if sample > 0 else 0
        self._until = self._stride

    def line(self, brought: bytes | None) -> bytes:
        """The `traceparent` line for the service."""
        if brought is not None:
            context = value_of(brought)
            return b"traceparent: 00-%b-%b-%b" % (context[3:35], self._ids.span_id(), context[53:55])
        line = self._ids.traceparent_line()
        self._until -= 1
        if self._until == 0:
            self._until = self._stride
            return line[:-2] + b"01"
        return line


def recorded(line: bytes) -> bool:
    """Whether the trace is recorded: the lowest bit of the flags."""
    return line[-1:] in b"13579bdf"
