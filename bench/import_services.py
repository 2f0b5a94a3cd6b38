#!/usr/bin/env python3
"""`config apply` of 10,000 services against a running gateway: time, CPU, and what traffic notices of it."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.cli import Benchmark, positive_int, run_alone
from harness.errors import BenchError
from harness.open_loop import quantile
from harness.procfs import cpu_seconds, peak_resident_bytes, resident_bytes
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import installed, start_gateway, start_upstream
from harness.stores import Postgres, Valkey
from harness.tables import Shape, write_config
from harness.watch import Watch
from harness.workload import mint_token

LIMIT_SECONDS = 20.0

COLUMNS = (
    Column("seconds", "seconds", 2),
    Column("client", "client CPU s", 2),
    Column("server", "gateway CPU s", 2),
    Column("peak", "peak MiB", 0),
    Column("after", "MiB after", 0),
    Column("worst_ms", "longest pause ms", 0),
    Column("p99_ms", "p99 ms", 1),
    Column("p50_ms", "p50 ms", 2),
)


@dataclass(frozen=True)
class Applied:
    """One run of the command: wall-clock and CPU seconds, bytes, and what each request beside it took in seconds."""

    seconds: float
    client: float
    server: float
    peak: int
    after: int
    latencies: list[float]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the size of the file."""
    parser.add_argument("--services", type=positive_int, default=10_000)
    parser.add_argument("--routes", type=positive_int, default=2, help="of each service (%(default)s)")


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Apply the same file twice, to a gateway with SQLite and to one with PostgreSQL and Valkey."""
    upstream, postgres, valkey = start_upstream(rig), Postgres(rig), Valkey(rig)
    shape = Shape(options.services, options.routes)
    file = write_config(rig, shape)
    report = Report(
        "import_services", f"config apply of {shape.services:,} services x {shape.routes} routes", COLUMNS
    )
    stores: dict[str, Mapping[str, str]] = {
        "SQLite": {},
        "PostgreSQL + Valkey": {"DATABASE_URL": postgres.database(), "REDIS_URL": valkey.url},
    }
    for name, environment in stores.items():
        server = start_gateway(rig, options.gateway, upstream.port, environment=environment)
        wait_until_ready(server)
        first = _apply(server, file, upstream.port)
        wait_until_ready(server, path=shape.first_path)
        again = _apply(server, file, upstream.port)
        report.rows += [_row(f"{name}, all new", first), _row(f"{name}, nothing new", again)]
        report.goals.append(Goal(f"seconds, {name}", first.seconds, LIMIT_SECONDS))
        rig.stop(server)
    return report


def _apply(server: Running, file: Path, upstream_port: int) -> Applied:
    """The command as an operator calls it; it returns when the gateway routes to all of it."""
    command = [installed("brain-gateway"), "config", "apply", str(file), "--yes"]
    environment = {
        **os.environ,
        "BRAIN_GATEWAY_URL": f"http://127.0.0.1:{server.port}",
        "BRAIN_GATEWAY_TOKEN": mint_token("super_admin"),
        "BENCH_UPSTREAM": f"http://127.0.0.1:{upstream_port}",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    spent, server_spent, began = _children(), cpu_seconds(server.pid), time.monotonic()
    with Watch(server.port) as watch:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise BenchError(
            f"config apply ended with code {done.returncode}:\n{done.stderr}\n{server.last_words()}"
        )
    return Applied(
        seconds,
        _children() - spent,
        cpu_seconds(server.pid) - server_spent,
        peak_resident_bytes(server.pid),
        resident_bytes(server.pid),
        watch.latencies,
    )


def _children() -> float:
    """CPU seconds of the programs that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(name: str, applied: Applied) -> dict[str, Cell]:
    return {
        "name": name,
        "seconds": applied.seconds,
        "client": applied.client,
        "server": applied.server,
        "peak": applied.peak / 2**20,
        "after": applied.after / 2**20,
        "worst_ms": max(applied.latencies) * 1e3,
        "p99_ms": quantile(applied.latencies, 0.99) * 1e3,
        "p50_ms": quantile(applied.latencies, 0.5) * 1e3,
    }


BENCHMARK = Benchmark("import_services", __doc__ or "", add_options, measure, quick=(), peers="")

if __name__ == "__main__":
    run_alone(BENCHMARK)
