#!/usr/bin/env python3
"""Latency that a gateway adds at a fixed open-loop rate: p50 and p99 beside HAProxy's and none at all."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median

from harness.cli import Benchmark, absent_peers, positive, positive_int, run_alone, start_subjects
from harness.errors import BenchError
from harness.open_loop import OpenLoop, Samples, quantile
from harness.report import Cell, Column, Report
from harness.rig import Rig, Running
from harness.workload import PROXIED_PATH, UPSTREAM_PATH, request_head

DIRECT = "direct"
WARM_UP_SECONDS = 0.5
# Later than this at the median, the client itself would be what is measured.
TOLERATED_LATENESS_US = 500.0

COLUMNS = (
    Column("p50_us", "p50 us", 0),
    Column("p99_us", "p99 us", 0),
    Column("added_p50_us", "added p50 us", 0),
    Column("added_p99_us", "added p99 us", 0),
    Column("worst_us", "worst us", 0),
    Column("client_late_p99_us", "client late p99 us", 0),
)


@dataclass(frozen=True)
class Timing:
    """Quantiles of one stretch of load, in microseconds."""

    p50: float
    p99: float
    worst: float
    late_p50: float
    late_p99: float

    @classmethod
    def of(cls, samples: Samples) -> Timing:
        """Sum up the samples."""
        latencies = [seconds * 1e6 for seconds in samples.latencies]
        lateness = [seconds * 1e6 for seconds in samples.lateness]
        return cls(
            quantile(latencies, 0.5),
            quantile(latencies, 0.99),
            max(latencies),
            quantile(lateness, 0.5),
            quantile(lateness, 0.99),
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add rounds, their length, the rate and the connections."""
    parser.add_argument("--rounds", type=positive_int, default=5)
    parser.add_argument("--seconds", type=positive, default=5, help="of load for each server in each round")
    parser.add_argument("--rate", type=positive, default=1000, help="requests a second")
    parser.add_argument("--connections", type=positive_int, default=32)


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Send the same schedule straight to the upstream and through each server; differences within a round."""
    upstream, subjects = start_subjects(rig, options, asgi=True)
    plans = {DIRECT: (upstream, UPSTREAM_PATH)}
    plans |= {name: (subject, PROXIED_PATH) for name, subject in subjects.items()}
    rounds = [
        {name: _load(server, path, options) for name, (server, path) in plans.items()}
        for _ in range(options.rounds)
    ]
    report = Report("latency", f"open loop at {options.rate:g} requests a second", COLUMNS)
    report.rows = [_row(name, rounds) for name in plans]
    report.notes += absent_peers(options) + _doubts(rounds)
    return report


def _load(server: Running, path: str, options: argparse.Namespace) -> Timing:
    loop = OpenLoop(server.port, request_head(path), rate=options.rate, connections=options.connections)
    warm_up = round(WARM_UP_SECONDS * options.rate)
    try:
        samples = loop.run(warm_up + round(options.seconds * options.rate))
    except OSError as error:
        raise BenchError(f"{server.name}: {error}\n{server.last_words()}") from error
    finally:
        loop.close()
    return Timing.of(samples.after(warm_up))


def _doubts(rounds: list[dict[str, Timing]]) -> list[str]:
    late = max(timing.late_p50 for each in rounds for timing in each.values())
    if late <= TOLERATED_LATENESS_US:
        return []
    return [f"the client itself was {late:.0f} us late at the median: lower --rate"]


def _row(name: str, rounds: list[dict[str, Timing]]) -> dict[str, Cell]:
    timings = [each[name] for each in rounds]
    # Quantiles do not subtract exactly; the difference of two p99 is an estimate of what was added there.
    added_p50 = median(each[name].p50 - each[DIRECT].p50 for each in rounds)
    added_p99 = median(each[name].p99 - each[DIRECT].p99 for each in rounds)
    return {
        "name": name,
        "p50_us": median(timing.p50 for timing in timings),
        "p99_us": median(timing.p99 for timing in timings),
        "added_p50_us": None if name == DIRECT else added_p50,
        "added_p99_us": None if name == DIRECT else added_p99,
        "worst_us": max(timing.worst for timing in timings),
        "client_late_p99_us": median(timing.late_p99 for timing in timings),
    }


BENCHMARK = Benchmark(
    "latency",
    __doc__ or "",
    add_options,
    measure,
    quick=("--rounds", "2", "--seconds", "3"),
    peers="nginx,haproxy",
)

if __name__ == "__main__":
    run_alone(BENCHMARK)
