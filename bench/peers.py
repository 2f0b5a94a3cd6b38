#!/usr/bin/env python3
"""CPU time of one proxied request: the gateway (both entries) beside nginx, HAProxy, Envoy and Traefik."""

from __future__ import annotations

import argparse
from statistics import median

from harness.cli import Benchmark, absent_peers, positive_int, run_alone, start_subjects
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.wrk import Load, put_load

Round = dict[str, Load]

COLUMNS = (
    Column("cpu_us", "CPU us/req"),
    Column("per_second", "req/s", 0),
    Column("p50_ms", "p50 ms", 2),
    Column("p99_ms", "p99 ms", 2),
    Column("mib", "MiB", 0),
    Column("gateway_ratio", "gateway / this", 3),
    Column("gateway_asgi_ratio", "ASGI / this", 3),
)
GOALS = {"haproxy": 1.15, "envoy": 0.40, "traefik": 0.35}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add rounds, their length, and the connections of the closed loop."""
    parser.add_argument("--rounds", type=positive_int, default=5)
    parser.add_argument("--seconds", type=positive_int, default=4, help="of load for each server and round")
    parser.add_argument("--connections", type=positive_int, default=64)


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Load every server in each round; figures are medians, ratios are taken within a round."""
    _, subjects = start_subjects(rig, options, asgi=True)
    for subject in subjects.values():
        put_load(subject, seconds=1, connections=options.connections)
    rounds = [
        _one_round(_rotated(subjects, number), options.seconds, options.connections)
        for number in range(options.rounds)
    ]
    report = Report("peers", "CPU time of the process tree per proxied request", COLUMNS)
    report.rows = [_row(name, rounds) for name in subjects]
    for peer, limit in GOALS.items():
        if peer in subjects:
            report.goals.append(Goal(f"gateway / {peer}", _ratio("gateway", peer, rounds), limit))
    report.notes += absent_peers(options)
    return report


def _rotated(subjects: dict[str, Running], by: int) -> dict[str, Running]:
    """Begin each round with another server: none is always first after a pause."""
    names = list(subjects)
    shift = by % len(names)
    return {name: subjects[name] for name in names[shift:] + names[:shift]}


def _one_round(subjects: dict[str, Running], seconds: int, connections: int) -> Round:
    return {
        name: put_load(subject, seconds=seconds, connections=connections)
        for name, subject in subjects.items()
    }


def _row(name: str, rounds: list[Round]) -> dict[str, Cell]:
    loads = [each[name] for each in rounds]
    asgi = "gateway-asgi"
    return {
        "name": name,
        "cpu_us": median(load.cpu_us for load in loads),
        "per_second": median(load.wrk.per_second for load in loads),
        "p50_ms": median(load.wrk.p50_ms for load in loads),
        "p99_ms": median(load.wrk.p99_ms for load in loads),
        "mib": median(load.resident for load in loads) / 2**20,
        "gateway_ratio": _ratio("gateway", name, rounds),
        "gateway_asgi_ratio": _ratio(asgi, name, rounds) if asgi in rounds[0] else None,
    }


def _ratio(ours: str, theirs: str, rounds: list[Round]) -> float:
    return median(each[ours].cpu_us / each[theirs].cpu_us for each in rounds)


BENCHMARK = Benchmark("peers", __doc__ or "", add_options, measure, quick=("--rounds", "2", "--seconds", "2"))

if __name__ == "__main__":
    run_alone(BENCHMARK)
