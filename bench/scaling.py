#!/usr/bin/env python3
"""A large routing table: CPU time per request with 10,000 services x 10 routes beside 13 services."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness.cli import Benchmark, positive, positive_int, run_alone
from harness.procfs import cpu_seconds, peak_resident_bytes, resident_bytes
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import start_gateway, start_upstream
from harness.tables import Shape, write_config, write_script
from harness.wrk import Load, put_load

SMALL, LARGE, WIDE = "small", "large", "large, wide"
LIMIT = 1.2
IDLE_SECONDS = 2.0
SETTLE_SECONDS = 8.0  # in which the first round of probes is done

COLUMNS = (
    Column("services", "services", 0),
    Column("routes", "routes", 0),
    Column("asked", "services asked", 0),
    Column("cpu_us", "CPU us/req", 1),
    Column("ratio", "/ small", 3),
    Column("per_second", "req/s", 0),
    Column("idle_percent", "idle CPU %", 2),
    Column("start_seconds", "start s", 2),
    Column("ready_mib", "MiB at start", 0),
    Column("peak_mib", "peak MiB", 0),
)


@dataclass(frozen=True)
class Subject:
    """A gateway with a table, and what its start cost: seconds, bytes, and its idle CPU (a share of one)."""

    shape: Shape
    server: Running
    start_seconds: float
    resident: int
    peak: int
    idle_share: float


@dataclass(frozen=True)
class Lane:
    """A gateway and the requests that it is asked: a script that walks over some of its services."""

    subject: Subject
    script: Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the shapes of both tables, and rounds."""
    parser.add_argument("--rounds", type=positive_int, default=5)
    parser.add_argument("--seconds", type=positive_int, default=4, help="of load in each round")
    parser.add_argument("--connections", type=positive_int, default=64)
    parser.add_argument("--services", type=positive_int, default=10_000, help="large table (%(default)s)")
    parser.add_argument("--small-services", type=positive_int, default=13, help="small table (%(default)s)")
    parser.add_argument("--routes", type=positive_int, default=10, help="of each service (%(default)s)")
    parser.add_argument("--tenants", type=int, default=0, help="in the large table's file (%(default)s)")
    parser.add_argument(
        "--spread", type=positive_int, default=1000, help="services asked widely (%(default)s)"
    )
    parser.add_argument("--start-within", type=positive, default=300, metavar="SECONDS", help="(%(default)s)")


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Start one gateway with each table, and load them in each round: small, large alike, large widely."""
    upstream = start_upstream(rig)
    few = Shape(options.small_services, options.routes)
    many = Shape(options.services, options.routes, options.tenants)
    small, large = (_start(rig, options, shape, upstream.port) for shape in (few, many))
    lanes = {
        SMALL: Lane(small, write_script(rig, few, few.services)),
        # As many services as the small table has: the size of the table is then the only difference.
        LARGE: Lane(large, write_script(rig, many, few.services)),
        # Many services in turn: the processor's caches and the upstream connections grow with them, too.
        WIDE: Lane(large, write_script(rig, many, options.spread)),
    }
    for lane in lanes.values():
        _load(lane, 1, options)
    rounds = [
        {name: _load(lane, options.seconds, options) for name, lane in lanes.items()}
        for _ in range(options.rounds)
    ]
    report = Report("scaling", "the same load over a small and a large routing table", COLUMNS)
    asked = {SMALL: few.services, LARGE: few.services, WIDE: options.spread}
    report.rows = [_row(name, asked[name], lane.subject, rounds) for name, lane in lanes.items()]
    report.goals.append(Goal("CPU per request, large / small", _ratio(LARGE, rounds), LIMIT))
    return report


def _start(rig: Rig, options: argparse.Namespace, shape: Shape, upstream_port: int) -> Subject:
    config = write_config(rig, shape)
    began = time.monotonic()
    server = start_gateway(
        rig, options.gateway, upstream_port, name=f"gateway-{shape.services}", config=config
    )
    seconds = wait_until_ready(server, path=shape.first_path, within=options.start_within, began=began)
    resident, peak = resident_bytes(server.pid), peak_resident_bytes(server.pid)
    time.sleep(SETTLE_SECONDS)
    before = cpu_seconds(server.pid)
    time.sleep(IDLE_SECONDS)  # what probes and timers of so many services cost without any request
    idle_share = (cpu_seconds(server.pid) - before) / IDLE_SECONDS
    return Subject(shape, server, seconds, resident, peak, idle_share)


def _load(lane: Lane, seconds: int, options: argparse.Namespace) -> Load:
    return put_load(
        lane.subject.server, seconds=seconds, connections=options.connections, path="/", script=lane.script
    )


def _row(name: str, asked: int, subject: Subject, rounds: list[dict[str, Load]]) -> dict[str, Cell]:
    return {
        "name": name,
        "services": subject.shape.services,
        "routes": subject.shape.services * subject.shape.routes,
        "asked": asked,
        "cpu_us": median(each[name].cpu_us for each in rounds),
        "ratio": _ratio(name, rounds),
        "per_second": median(each[name].wrk.per_second for each in rounds),
        "idle_percent": subject.idle_share * 100,
        "start_seconds": subject.start_seconds,
        "ready_mib": subject.resident / 2**20,
        "peak_mib": subject.peak / 2**20,
    }


def _ratio(name: str, rounds: list[dict[str, Load]]) -> float:
    return median(each[name].cpu_us / each[SMALL].cpu_us for each in rounds)


BENCHMARK = Benchmark(
    "scaling", __doc__ or "", add_options, measure, quick=("--rounds", "2", "--seconds", "2")
)

if __name__ == "__main__":
    run_alone(BENCHMARK)
