#!/usr/bin/env python3
"""Memory of idle connections: those that have never sent a byte, and those kept alive after one request."""

from __future__ import annotations

import argparse
import select
import socket
from dataclasses import dataclass

from harness.cli import Benchmark, absent_peers, positive_int, run_alone, start_subjects
from harness.errors import BenchError
from harness.procfs import resident_bytes
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running, raise_file_limit
from harness.workload import ANSWER, PROXIED_PATH, request_head
from harness.wrk import put_load

LIMIT_KIB = 40
# Files beside the connections: logs, listening sockets, upstream connections, the interpreter's own.
SPARE_FILES = 2000
# One source address has about 28,000 ports (ip_local_port_range); several make room for any number.
SOURCES = tuple(f"127.0.0.{last}" for last in range(2, 18))
# Connections opened before the server is asked whether it has accepted them: less than any backlog.
BATCH = 50
PATIENCE_SECONDS = 10.0

COLUMNS = (
    Column("connections", "connections", 0),
    Column("closed", "closed meanwhile", 0),
    Column("before_mib", "MiB before", 1),
    Column("after_mib", "MiB after", 1),
    Column("kib_each", "KiB each", 2),
)


@dataclass(frozen=True)
class Crowd:
    """What a crowd of connections did to a server: bytes before and after, how many were closed on us."""

    connections: int
    closed: int
    before: int
    after: int

    @property
    def kib_each(self) -> float:
        """KiB of resident memory for each connection that was still open."""
        return (self.after - self.before) / max(1, self.connections - self.closed) / 1024


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the number of connections."""
    parser.add_argument("--connections", type=positive_int, default=10_000)


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Open the connections against fresh servers, once silent and once with a request on each."""
    raise_file_limit(options.connections + SPARE_FILES)
    report = Report("idle", "resident memory of idle client connections", COLUMNS)
    for kind, asks in (("silent", False), ("kept alive", True)):
        upstream, subjects = start_subjects(rig, options)
        for name, subject in subjects.items():
            crowd = _crowd(subject, options.connections, asks=asks)
            report.rows.append(_row(f"{name}, {kind}", crowd))
            if name == "gateway":
                report.goals.append(Goal(f"KiB each, {kind}", crowd.kib_each, LIMIT_KIB))
        rig.stop(upstream, *subjects.values())
    report.notes += absent_peers(options)
    return report


def _crowd(server: Running, connections: int, *, asks: bool) -> Crowd:
    # What the first requests load and allocate once is not the price of a connection.
    put_load(server, seconds=1, connections=64)
    opened: list[socket.socket] = []
    request = request_head(PROXIED_PATH)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as control:
        _ask(control, request)
        before = resident_bytes(server.pid)
        try:
            for number in range(connections):
                opened.append(_open(server.port, SOURCES[number % len(SOURCES)]))
                if asks:
                    _ask(opened[-1], request)
                elif number % BATCH == BATCH - 1:
                    _ask(control, request)
            _ask(control, request)
            return Crowd(connections, _count_closed(opened), before, resident_bytes(server.pid))
        except OSError as error:
            raise BenchError(f"{server.name}, connection {len(opened)}: {error}") from error
        finally:
            for connection in opened:
                connection.close()


def _open(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS, source_address=(source, 0))


def _ask(connection: socket.socket, request: bytes) -> None:
    """Send one request and read its whole answer: the server's event loop has then been round once."""
    connection.sendall(request)
    answer = b""
    while not answer.endswith(ANSWER.encode()):
        piece = connection.recv(65536)
        if not piece:
            raise BenchError(f"the server closed the connection: {answer[:300]!r}")
        answer += piece
    if not answer.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"not every request succeeded: {answer[:300]!r}")


def _count_closed(connections: list[socket.socket]) -> int:
    """An idle connection has nothing to read: one that is readable has been answered or closed."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN | select.POLLRDHUP)
    return len(poll.poll(0))


def _row(name: str, crowd: Crowd) -> dict[str, Cell]:
    return {
        "name": name,
        "connections": crowd.connections,
        "closed": crowd.closed,
        "before_mib": crowd.before / 2**20,
        "after_mib": crowd.after / 2**20,
        "kib_each": crowd.kib_each,
    }


BENCHMARK = Benchmark("idle", __doc__ or "", add_options, measure, quick=(), peers="nginx,haproxy")

if __name__ == "__main__":
    run_alone(BENCHMARK)
