"""A client that costs next to nothing: the same request many times in one write, the answers counted and not read.

The kernel wakes it once for all answers to a write (SO_RCVLOWAT, socket(7)).
"""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass, field

from .errors import BenchError

ANSWER_SECONDS = 5.0
_GOOD = b"HTTP/1.1 200 "


@dataclass(frozen=True)
class Answers:
    """How many there were, in how many seconds, and the CPU seconds that this client took."""

    count: int
    seconds: float
    cpu: float


@dataclass
class _Connection:
    socket: socket.socket
    batch: bytes
    depth: int
    bytes_expected: int
    missing: int = 0
    tail: bytes = field(default=b"")

    def send(self) -> None:
        """Ask `depth` times."""
        self._wake_at(self.bytes_expected)
        self.missing = self.depth
        self.socket.sendall(self.batch)

    def receive(self) -> int:
        """Count what has come; BenchError for an end."""
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise BenchError("the server closed a keep-alive connection in the middle of the load")
        data = self.tail + piece
        self.tail = data[1 - len(_GOOD) :]  # too short to be counted twice
        found = data.count(_GOOD)
        self.missing -= found
        if self.missing:
            self._wake_at(1)
        return found

    def _wake_at(self, count: int) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)


def run_light(port: int, request: bytes, *, connections: int, depth: int, seconds: float) -> Answers:
    """Keep `connections` busy, with `depth` requests in each write.

    Raises BenchError when a connection ends, or has no 200 for each of its requests within five seconds.
    """
    length = _length_of_answer(port, request)
    own = [_connect(port, request * depth, depth, length * depth) for _ in range(connections)]
    by_number = {one.socket.fileno(): one for one in own}
    poller = select.epoll()
    for number in by_number:
        poller.register(number, select.EPOLLIN)
    began, spent, count = time.perf_counter(), time.process_time(), 0
    for one in own:
        one.send()
    try:
        while time.perf_counter() < began + seconds:
            ready = poller.poll(ANSWER_SECONDS)
            if not ready:
                raise BenchError(f"requests had no good answer for {ANSWER_SECONDS:g} seconds")
            for number, _ in ready:
                one = by_number[number]
                count += one.receive()
                if not one.missing:
                    one.send()
        answers = Answers(count, time.perf_counter() - began, time.process_time() - spent)
    finally:
        poller.close()
        for one in own:
            one.socket.close()
    return answers


def _length_of_answer(port: int, request: bytes) -> int:
    """Bytes of one answer; the first ask may be what fills a cache, so the second is measured."""
    lengths = []
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as client:
            client.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = b""
            while piece := client.recv(1 << 16):
                answer += piece
        if not answer.startswith(_GOOD):
            raise BenchError(f"not every request succeeded: {answer[:300]!r}")
        lengths.append(len(answer) - len(b"Connection: close\r\n"))
    return lengths[-1]


def _connect(port: int, batch: bytes, depth: int, expected: int) -> _Connection:
    client = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Connection(client, batch, depth, expected)
