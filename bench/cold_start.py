#!/usr/bin/env python3
"""Cold start: from the spawn to the first proxied answer, what of it is imports, and what is imported; then the first
answer of the Admin API, which is loaded when it is asked for."""

from __future__ import annotations

import argparse
import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from harness.cli import Benchmark, absent_peers, chosen_peers, positive_int, run_alone
from harness.errors import BenchError
from harness.imports import LIST_IMPORTS, TIME_IMPORTS, import_cost, imported_modules, unwanted_modules
from harness.procfs import cpu_seconds, resident_bytes
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import PEERS, start_gateway, start_peer, start_upstream
from harness.stores import Postgres, Valkey

LIMIT_SECONDS = 1.5
LIMIT_MIB = 100
LIMIT_ADMIN_MIB = 120
ADMIN_PATH = "/api/v1/services"  # without credentials it is refused, by all that would answer it

COLUMNS = (
    Column("median_seconds", "median s", 3),
    Column("worst_seconds", "worst s", 3),
    Column("cpu_seconds", "CPU s", 3),
    Column("mib", "MiB", 1),
    Column("import_ms", "imports ms", 0),
    Column("modules", "modules", 0),
    Column("admin_seconds", "Admin API s", 3),
    Column("admin_mib", "MiB then", 1),
    Column("unwanted", "agent libraries"),
)

Starter = Callable[[], Running]


@dataclass(frozen=True)
class Start:
    """One start: seconds to the first proxied answer, CPU seconds and resident bytes by then."""

    seconds: float
    cpu: float
    resident: int


@dataclass(frozen=True)
class Admin:
    """The first answer of the Admin API: seconds, and resident bytes after it."""

    seconds: float
    resident: int


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the number of starts."""
    parser.add_argument("--runs", type=positive_int, default=7)


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Start each server several times, and the gateway twice more under the interpreter's own accounts."""
    upstream = start_upstream(rig)
    report = Report("cold_start", "spawn to the first proxied answer, byte-compiled", COLUMNS)
    known = {"BRAIN_GATEWAY_DATA_DIR": str(rig.folder / "data")}
    _measure_gateway(rig, options, upstream.port, report, "gateway", known)
    if options.gateway.strip() not in PEERS:
        _measure_gateway(rig, options, upstream.port, report, "gateway, its first start", {})
        postgres, valkey = Postgres(rig), Valkey(rig)
        shared = {"DATABASE_URL": postgres.database(), "REDIS_URL": valkey.url}
        _measure_gateway(rig, options, upstream.port, report, "gateway, PostgreSQL + Valkey", shared)
    for peer in chosen_peers(options):
        starts = _starts(rig, options.runs, partial(start_peer, rig, peer, upstream.port))
        report.rows.append(_row(peer, starts))
    report.notes += absent_peers(options)
    return report


def _measure_gateway(
    rig: Rig,
    options: argparse.Namespace,
    upstream_port: int,
    report: Report,
    name: str,
    stores: Mapping[str, str],
) -> None:
    """Without a data directory in `stores` each start has a new one, where the database is yet to be made."""

    def start(environment: Mapping[str, str] | None = None) -> Running:
        settings = {**stores, **(environment or {})}
        return start_gateway(rig, options.gateway, upstream_port, environment=settings)

    starts = _starts(rig, options.runs, start)
    row = _row(name, starts)
    report.rows.append(row)
    seconds, resident = median(s.seconds for s in starts), max(s.resident for s in starts)
    report.goals.append(Goal(f"median seconds to the first answer, {name}", seconds, LIMIT_SECONDS))
    report.goals.append(Goal(f"MiB after the first answer, {name}", resident / 2**20, LIMIT_MIB))
    if options.gateway.strip() in PEERS:
        return
    admins = [_admin(rig, start) for _ in range(options.runs)]
    with_admin = max(admin.resident for admin in admins) / 2**20
    row |= {"admin_seconds": median(admin.seconds for admin in admins), "admin_mib": with_admin}
    report.goals.append(Goal(f"MiB with the Admin API, {name}", with_admin, LIMIT_ADMIN_MIB))
    cost = import_cost(_log_of(rig, start(TIME_IMPORTS)))
    modules = imported_modules(_log_of(rig, start(LIST_IMPORTS)))
    if not modules:
        raise BenchError("the gateway's interpreter did not list its modules: is --gateway a Python program?")
    unwanted = unwanted_modules(modules)
    report.goals.append(Goal(f"agent libraries imported, {name}", len(unwanted), 0))
    row |= {
        "import_ms": cost.milliseconds,
        "modules": float(len(modules)),
        "unwanted": ", ".join(unwanted) or "none",
    }


def _starts(rig: Rig, runs: int, starter: Starter) -> list[Start]:
    _start(rig, starter)  # not counted: it leaves the byte code behind and the files in the page cache
    return [_start(rig, starter) for _ in range(runs)]


def _start(rig: Rig, starter: Starter) -> Start:
    began = time.monotonic()
    server = starter()
    seconds = wait_until_ready(server, began=began)
    start = Start(seconds, cpu_seconds(server.pid), resident_bytes(server.pid))
    rig.stop(server)
    return start


def _admin(rig: Rig, starter: Starter) -> Admin:
    server = starter()
    wait_until_ready(server)
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30.0)
    try:
        connection.request("GET", ADMIN_PATH)
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != 401:
        raise BenchError(f"{ADMIN_PATH} answered {status}: is --gateway this gateway?")
    admin = Admin(time.monotonic() - began, resident_bytes(server.pid))
    rig.stop(server)
    return admin


def _log_of(rig: Rig, server: Running) -> str:
    wait_until_ready(server)
    log = server.log.read_text(errors="replace")  # before the end: shutting down may import more
    rig.stop(server)
    return log


def _row(name: str, starts: list[Start]) -> dict[str, Cell]:
    return {
        "name": name,
        "median_seconds": median(start.seconds for start in starts),
        "worst_seconds": max(start.seconds for start in starts),
        "cpu_seconds": median(start.cpu for start in starts),
        "mib": max(start.resident for start in starts) / 2**20,
    }


BENCHMARK = Benchmark("cold_start", __doc__ or "", add_options, measure, quick=("--runs", "3"))

if __name__ == "__main__":
    run_alone(BENCHMARK)
