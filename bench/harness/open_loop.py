"""Open-loop load: requests leave by the clock, whether or not earlier ones have been answered.

Latency counts from the moment that a request was due, not from when a connection was free for it, so a stall
is charged to every request that it delays (no coordinated omission).
"""

from __future__ import annotations

import gc
import re
import select
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from .errors import BenchError

ANSWER_SECONDS = 5.0


@dataclass
class Samples:
    """Seconds from due to answered, and from due to sent, of each request."""

    latencies: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)

    def after(self, warm_up: int) -> Samples:
        """Return the samples without the first `warm_up` requests."""
        return Samples(self.latencies[warm_up:], self.lateness[warm_up:])


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered)) - 1))]


@dataclass(eq=False)
class _Connection:
    socket: socket.socket
    due: float = 0.0
    answer: bytes = b""

    def fileno(self) -> int:
        return self.socket.fileno()


class OpenLoop:
    """A fixed number of keep-alive connections over which `request` is sent at `rate` a second."""

    def __init__(self, port: int, request: bytes, *, rate: float, connections: int) -> None:
        self._request = request
        self._interval = 1.0 / rate
        self._idle = deque(_Connection(_connect(port)) for _ in range(connections))
        self._busy: set[_Connection] = set()
        self._waiting: deque[float] = deque()
        self._samples = Samples()

    def run(self, requests: int) -> Samples:
        """Send `requests` requests on schedule and return what each took, in order of answers.

        Raises BenchError when an answer is not 200, a connection closes, or nothing comes for five seconds.
        """
        _sharpen_timers()
        gc.collect()
        gc.disable()
        try:
            self._run(requests)
        finally:
            gc.enable()
        return self._samples

    def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self._busy):
            connection.socket.close()

    def _run(self, requests: int) -> None:
        start = perf_counter() + self._interval
        sent = 0
        while len(self._samples.latencies) < requests:
            while sent < requests and (due := start + sent * self._interval) <= perf_counter():
                self._waiting.append(due)
                sent += 1
            while self._waiting and self._idle:
                self._send(self._waiting.popleft())
            next_due = start + sent * self._interval if sent < requests else perf_counter() + ANSWER_SECONDS
            # select() alone takes microseconds; the others round up to milliseconds.
            readable, _, _ = select.select(self._busy, (), (), max(0.0, next_due - perf_counter()))
            if not readable and sent == requests:
                raise BenchError(f"{len(self._busy)} requests had no answer for {ANSWER_SECONDS:g} seconds")
            for connection in readable:
                self._receive(connection)

    def _send(self, due: float) -> None:
        connection = self._idle.popleft()
        connection.due = due
        connection.answer = b""
        self._busy.add(connection)
        self._samples.lateness.append(perf_counter() - due)
        connection.socket.sendall(self._request)

    def _receive(self, connection: _Connection) -> None:
        piece = connection.socket.recv(65536)
        now = perf_counter()
        if not piece:
            raise BenchError("the server closed a keep-alive connection in the middle of the load")
        connection.answer += piece
        if _is_complete(connection.answer):
            self._samples.latencies.append(now - connection.due)
            self._busy.discard(connection)
            self._idle.append(connection)


def _is_complete(answer: bytes) -> bool:
    """Whether a whole answer with status 200 is there (RFC 9112 section 6: by length or by chunks)."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"not every request succeeded: {answer[:300]!r}")
    length = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _sharpen_timers() -> None:
    """Wake on time: the kernel may otherwise delay a sleeper by 50 us (PR_SET_TIMERSLACK, proc(5))."""
    Path("/proc/self/timerslack_ns").write_text("1")
