"""One large body down or up over a raw socket, with nothing in the way but the kernel."""

from __future__ import annotations

import json
import re
import socket
import time

from .errors import BenchError
from .workload import request_head

CHUNK = 1 << 20
STALL_SECONDS = 60.0


def download(port: int, path: str, size: int) -> float:
    """Fetch `size` bytes and drop them in the kernel (MSG_TRUNC, tcp(7)); return the seconds it took.

    Raises BenchError when another number of bytes came.
    """
    buffer = bytearray(CHUNK)
    with _connect(port) as connection:
        began = time.perf_counter()
        connection.sendall(request_head(path, Connection="close"))
        head, begun = _read_head(connection)
        received = len(begun)
        if not head.startswith(b"HTTP/1.1 200") or _length(head) != size:
            raise BenchError(f"expected 200 with Content-Length {size}, got:\n{head.decode('latin-1')}")
        while received < size:
            count = connection.recv_into(buffer, CHUNK, socket.MSG_TRUNC)
            if count == 0:
                raise BenchError(f"the body ended after {received} of {size} bytes")
            received += count
        return time.perf_counter() - began


def upload(port: int, path: str, size: int) -> float:
    """Send `size` zero bytes to a sink and wait for its receipt; return the seconds it took.

    Raises BenchError when the sink did not get all of them.
    """
    chunk = memoryview(bytes(CHUNK))
    with _connect(port) as connection:
        began = time.perf_counter()
        connection.sendall(request_head(path, "POST", Content_Length=str(size), Connection="close"))
        left = size
        while left > 0:
            connection.sendall(chunk[: min(CHUNK, left)])
            left -= min(CHUNK, left)
        head, receipt = _read_head(connection)
        while b"}" not in receipt and (piece := connection.recv(CHUNK)):
            receipt += piece
        seconds = time.perf_counter() - began
    found = re.search(rb"\{.*\}", receipt)
    if found is None or json.loads(found[0]).get("received") != size:
        answer = (head + b"\n\n" + receipt).decode("latin-1")
        raise BenchError(f"the upstream did not receive {size} bytes:\n{answer}")
    return seconds


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=STALL_SECONDS)


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of the answer, and what of its body came with it."""
    data = b""
    while b"\r\n\r\n" not in data and (piece := connection.recv(CHUNK)):
        data += piece
    head, _, begun = data.partition(b"\r\n\r\n")
    return head, begun


def _length(head: bytes) -> int | None:
    found = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
    return int(found[1]) if found else None
