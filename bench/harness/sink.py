"""An upstream that swallows request bodies as cheaply as the kernel allows: `python -m harness.sink PORT`.

A body is counted and dropped in the kernel (MSG_TRUNC, tcp(7)); the answer says how many bytes came.
"""

from __future__ import annotations

import re
import socket
import socketserver
import sys

from .workload import ANSWER

CHUNK = 1 << 20


class Sink(socketserver.BaseRequestHandler):
    """One keep-alive connection, served by a thread of its own."""

    request: socket.socket

    def handle(self) -> None:
        """Answer requests until the peer closes: bodies by their size, others by the benchmark's answer."""
        while (head := self._read_head()) is not None:
            head, _, begun = head.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
            if re.search(rb"(?im)^transfer-encoding:", head):
                self._answer("411 Length Required", "{}")
                return
            if length is None:
                self._answer("200 OK", ANSWER)
                continue
            received = len(begun) + self._swallow(int(length[1]) - len(begun))
            self._answer("200 OK", f'{{"received": {received}}}')

    def _read_head(self) -> bytes | None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(65536)
            if not piece:
                return None
            head += piece
        return head

    def _swallow(self, length: int) -> int:
        buffer = bytearray(CHUNK)
        left = length
        while left > 0:
            # The flag makes the kernel drop the bytes instead of copying them here.
            count = self.request.recv_into(buffer, min(CHUNK, left), socket.MSG_TRUNC)
            if count == 0:
                break
            left -= count
        return length - left

    def _answer(self, status: str, body: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.request.sendall((head + body).encode("ascii"))


class SinkServer(socketserver.ThreadingTCPServer):
    """The listening socket; threads end with the process."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with SinkServer(("127.0.0.1", int(sys.argv[1])), Sink) as server:
        server.serve_forever()
