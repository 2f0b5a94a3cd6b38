#!/usr/bin/env python3
"""CPU time of one proxied request with shared stores: PostgreSQL and Valkey beside SQLite, and an older gateway."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median, quantiles

from harness.cli import Benchmark, absent_peers, chosen_peers, positive_int, run_alone
from harness.procfs import cpu_seconds
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import start_gateway, start_peer, start_upstream
from harness.stores import Postgres, Valkey
from harness.wrk import Load, put_load

ALONE, STORES, BASELINE = "gateway, SQLite", "gateway, PostgreSQL + Valkey", "baseline"
LIMIT = 1.03

COLUMNS = (
    Column("cpu_us", "CPU us/req", 2),
    Column("per_second", "req/s", 0),
    Column("p99_ms", "p99 ms", 2),
    Column("mib", "MiB", 0),
    Column("alone_ratio", "/ SQLite", 3),
    Column("baseline_ratio", "/ baseline", 3),
    Column("spread", "middle half"),
    Column("commands", "commands / 1,000 req", 2),
    Column("store_us", "stores' CPU us/req", 3),
)


@dataclass(frozen=True)
class Measured:
    """One stretch of load, and what it had the stores do meanwhile."""

    load: Load
    commands: int
    store_seconds: float


Round = dict[str, Measured]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add rounds, their length, the connections, and the gateway to compare with."""
    parser.add_argument("--rounds", type=positive_int, default=15)
    parser.add_argument("--seconds", type=positive_int, default=3, help="of load for each server and round")
    parser.add_argument("--connections", type=positive_int, default=64)
    parser.add_argument(
        "--baseline",
        default="",
        metavar="COMMAND",
        help="starts another gateway to compare with, as --gateway does",
    )


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Load every server in each round, each round in another order; ratios are taken within a round."""
    upstream, postgres, valkey = start_upstream(rig), Postgres(rig), Valkey(rig)
    shared = {"DATABASE_URL": postgres.database(), "REDIS_URL": valkey.url}
    subjects = {
        ALONE: start_gateway(rig, options.gateway, upstream.port),
        STORES: start_gateway(rig, options.gateway, upstream.port, name="gateway-stores", environment=shared),
    }
    if options.baseline:
        subjects[BASELINE] = start_gateway(rig, options.baseline, upstream.port, name=BASELINE)
    for peer in chosen_peers(options):
        subjects[peer] = start_peer(rig, peer, upstream.port)
    for subject in subjects.values():
        wait_until_ready(subject)
        put_load(subject, seconds=1, connections=options.connections)
    stores = (postgres.running, valkey.running)
    rounds = [
        {name: _load(subjects[name], valkey, stores, options) for name in _rotated(list(subjects), number)}
        for number in range(options.rounds)
    ]
    return _report(list(subjects), rounds, absent_peers(options))


def _rotated(names: list[str], by: int) -> list[str]:
    """Begin each round with another, and go round the other way every second time."""
    shift = by % len(names)
    order = names[shift:] + names[:shift]
    return order[::-1] if by % 2 else order


def _load(
    subject: Running, valkey: Valkey, stores: tuple[Running, ...], options: argparse.Namespace
) -> Measured:
    commands, spent = valkey.commands(), sum(cpu_seconds(store.pid) for store in stores)
    load = put_load(subject, seconds=options.seconds, connections=options.connections)
    spent = sum(cpu_seconds(store.pid) for store in stores) - spent
    return Measured(load, valkey.commands() - commands - 1, spent)  # one was the question


def _report(names: list[str], rounds: list[Round], notes: list[str]) -> Report:
    report = Report("stores", "CPU time per proxied request with the stores configured", COLUMNS)
    report.rows = [_row(name, rounds) for name in names]
    report.goals.append(Goal("PostgreSQL + Valkey / SQLite", median(_ratios(STORES, ALONE, rounds)), LIMIT))
    if BASELINE in names:
        for name in (STORES, ALONE):
            ratio = median(_ratios(name, BASELINE, rounds))
            report.goals.append(Goal(f"{name} / baseline", ratio, LIMIT))
    report.notes += notes
    return report


def _row(name: str, rounds: list[Round]) -> dict[str, Cell]:
    loads = [each[name].load for each in rounds]
    requests = sum(load.wrk.requests for load in loads)
    has_stores = name == STORES
    against = BASELINE if BASELINE in rounds[0] else ALONE
    return {
        "name": name,
        "cpu_us": median(load.cpu_us for load in loads),
        "per_second": median(load.wrk.per_second for load in loads),
        "p99_ms": median(load.wrk.p99_ms for load in loads),
        "mib": median(load.resident for load in loads) / 2**20,
        "alone_ratio": median(_ratios(name, ALONE, rounds)),
        "baseline_ratio": median(_ratios(name, BASELINE, rounds)) if against == BASELINE else None,
        "spread": _middle(_ratios(name, against, rounds)),
        "commands": sum(each[name].commands for each in rounds) / requests * 1000 if has_stores else None,
        "store_us": sum(each[name].store_seconds for each in rounds) / requests * 1e6 if has_stores else None,
    }


def _ratios(one: str, other: str, rounds: list[Round]) -> list[float]:
    return [each[one].load.cpu_us / each[other].load.cpu_us for each in rounds]


def _middle(ratios: list[float]) -> str:
    """Between which two the middle half of the rounds' ratios lies: how far one run can be believed."""
    if len(ratios) < 2:
        return "-"
    low, _, high = quantiles(ratios, n=4)
    return f"{low:.3f}-{high:.3f}"


BENCHMARK = Benchmark(
    "stores", __doc__ or "", add_options, measure, quick=("--rounds", "6", "--seconds", "1"), peers="haproxy"
)

if __name__ == "__main__":
    run_alone(BENCHMARK)
