#!/usr/bin/env python3
"""Large bodies down and up: throughput beside nginx, and how far the gateway's memory grows meanwhile."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from harness.cli import Benchmark, absent_peers, chosen_peers, positive_int, run_alone
from harness.errors import BenchError
from harness.procfs import cpu_seconds, forget_peak, peak_resident_bytes, resident_bytes
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import start_gateway, start_peer, start_sink, start_upstream
from harness.transfer import download, upload
from harness.workload import PROXIED_PREFIX, UPSTREAM_PREFIX

MIB = 2**20
COLUMNS = (
    Column("mib_per_second", "MiB/s", 0),
    Column("share_of_nginx", "of nginx", 2),
    Column("cpu_ms_per_gib", "CPU ms/GiB", 0),
    Column("cpu_ratio", "CPU / nginx", 2),
    Column("growth_mib", "memory growth MiB", 1),
)


@dataclass(frozen=True)
class Passage:
    """One body: bytes a second, CPU seconds a byte, bytes of memory above the level before it."""

    speed: float
    cpu_per_byte: float
    growth: int
    exact_peak: bool


@dataclass(frozen=True)
class Direction:
    """Down from a file or up into a sink; the resource is behind a service's prefix."""

    name: str
    start_upstream: Callable[[Rig], Running]
    transfer: Callable[[int, str, int], float]
    resource: str


DIRECTIONS = (
    Direction("down", start_upstream, download, "/zeros"),
    Direction("up", start_sink, upload, "/uploads"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add rounds and the size of a body."""
    parser.add_argument("--rounds", type=positive_int, default=3)
    parser.add_argument("--mib", type=positive_int, default=1024, help="size of a body (%(default)s)")


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Pass one body after the other through each server, both directions; medians, the largest growth."""
    size = options.mib * MIB
    _make_zeros(rig, size)
    report = Report("bodies", f"one body of {options.mib} MiB, one connection", COLUMNS)
    for direction in DIRECTIONS:
        _measure_direction(rig, options, direction, size, report)
    report.notes += absent_peers(options)
    return report


def _measure_direction(
    rig: Rig, options: argparse.Namespace, direction: Direction, size: int, report: Report
) -> None:
    upstream = direction.start_upstream(rig)
    subjects = {"gateway": start_gateway(rig, options.gateway, upstream.port)}
    subjects |= {peer: start_peer(rig, peer, upstream.port) for peer in chosen_peers(options)}
    for subject in subjects.values():
        wait_until_ready(subject)
    # Not counted: it brings the file into the page cache, and tells what client and upstream do alone.
    direct = min(_transfer(upstream, direction, UPSTREAM_PREFIX, size) for _ in range(2))
    rounds = [
        {name: _pass(subject, direction, size) for name, subject in subjects.items()}
        for _ in range(options.rounds)
    ]
    rig.stop(upstream, *subjects.values())
    report.rows.append({"name": f"direct {direction.name}", "mib_per_second": size / direct / MIB})
    report.rows += [_row(name, direction, rounds) for name in subjects]
    report.goals += _goals(direction, rounds)
    if not all(passage.exact_peak for each in rounds for passage in each.values()):
        report.notes.append("the kernel does not reset peaks: growth is an upper bound (since the start)")


def _pass(server: Running, direction: Direction, size: int) -> Passage:
    exact = forget_peak(server.pid)
    resident, cpu = resident_bytes(server.pid), cpu_seconds(server.pid)
    seconds = _transfer(server, direction, PROXIED_PREFIX, size)
    spent = cpu_seconds(server.pid) - cpu
    return Passage(size / seconds, spent / size, peak_resident_bytes(server.pid) - resident, exact)


def _transfer(server: Running, direction: Direction, prefix: str, size: int) -> float:
    try:
        return direction.transfer(server.port, prefix + direction.resource, size)
    except OSError as error:
        raise BenchError(f"{server.name} {direction.name}: {error}\n{server.last_words()}") from error


def _row(name: str, direction: Direction, rounds: list[dict[str, Passage]]) -> dict[str, Cell]:
    passages = [each[name] for each in rounds]
    beside = "nginx" in rounds[0]
    return {
        "name": f"{name} {direction.name}",
        "mib_per_second": median(passage.speed for passage in passages) / MIB,
        "share_of_nginx": _share(name, rounds) if beside else None,
        "cpu_ms_per_gib": median(passage.cpu_per_byte for passage in passages) * 2**30 * 1e3,
        "cpu_ratio": _cpu_ratio(name, rounds) if beside else None,
        "growth_mib": max(passage.growth for passage in passages) / MIB,
    }


def _goals(direction: Direction, rounds: list[dict[str, Passage]]) -> list[Goal]:
    growth = max(each["gateway"].growth for each in rounds) / MIB
    goals = [Goal(f"memory growth {direction.name}, MiB", growth, 32)]
    if "nginx" in rounds[0]:
        share = _share("gateway", rounds)
        goals.append(Goal(f"throughput {direction.name} / nginx", share, 0.7, at_least=True))
    return goals


def _share(name: str, rounds: list[dict[str, Passage]]) -> float:
    return median(each[name].speed / each["nginx"].speed for each in rounds)


def _cpu_ratio(name: str, rounds: list[dict[str, Passage]]) -> float:
    return median(each[name].cpu_per_byte / each["nginx"].cpu_per_byte for each in rounds)


def _make_zeros(rig: Rig, size: int) -> None:
    file = rig.folder / "zeros"
    file.touch(0o644)
    os.truncate(file, size)  # sparse: takes no disk


BENCHMARK = Benchmark("bodies", __doc__ or "", add_options, measure, quick=("--rounds", "1"), peers="nginx")

if __name__ == "__main__":
    run_alone(BENCHMARK)
