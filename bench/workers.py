#!/usr/bin/env python3
"""Two workers beside one on the same two processors: requests a second, and for each second of the gateway's CPU time.

The client needs a processor too, and there are but two. So each load is measured twice: as it comes ("two / one"), and
by the CPU time of the gateway alone ("by CPU"), which says what two workers carry when the client is elsewhere. The
light client asks for an answer that the gateway keeps, many times in one write.
"""

from __future__ import annotations

import argparse
import os
import resource
import threading
from dataclasses import dataclass
from statistics import median

from harness.cli import Benchmark, positive_int, run_alone
from harness.light import Answers, run_light
from harness.procfs import connections, cpu_seconds, process_tree
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import BENCH, GATEWAY_CONFIG, start_gateway, start_upstream
from harness.workload import PROXIED_PATH, PROXIED_PREFIX, request_head
from harness.wrk import run_wrk

ONE, TWO = "1 worker", "2 workers"
LIMIT = 1.8
LIGHT, PROXIED = "cached, light client", "proxied"
CONFIGS = {PROXIED: GATEWAY_CONFIG, LIGHT: BENCH / "cached.yaml"}
KEPT = request_head(f"{PROXIED_PREFIX}/kept")

COLUMNS = (
    Column("per_second", "req/s", 0),
    Column("ratio", "two / one", 2),
    Column("cpu_us", "gateway CPU us/req", 2),
    Column("by_cpu", "two / one by CPU", 2),
    Column("client_us", "client CPU us/req", 2),
    Column("upstream_us", "upstream CPU us/req", 2),
    Column("processors", "processors used by the gateway", 2),
    Column("spread", "connections per worker"),
)


@dataclass(frozen=True)
class Measured:
    """One stretch of load: requests a second, CPU microseconds of each side per request, seconds of the gateway's CPU
    time in a second, and how many connections each worker had."""

    per_second: float
    gateway: float
    client: float
    upstream: float
    processors: float
    spread: tuple[int, ...]


Round = dict[str, Measured]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add rounds, their length, the connections and how many requests go out at once."""
    parser.add_argument("--rounds", type=positive_int, default=7)
    parser.add_argument("--seconds", type=positive_int, default=4, help="of load for each server and round")
    parser.add_argument("--connections", type=positive_int, default=64)
    parser.add_argument("--depth", type=positive_int, default=64, help="requests in one write (%(default)s)")


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """Load one worker and two in each round, with each kind of load. Nobody is pinned: the kernel shares out."""
    upstream = start_upstream(rig, both_cores=True)
    report = Report("workers", "two workers and one on two processors", COLUMNS)
    for name in CONFIGS:
        rounds = _measure(rig, options, upstream, name)
        report.rows += [_row(name, workers, rounds) for workers in (ONE, TWO)]
        if name == LIGHT:
            report.goals.append(
                Goal(f"requests a second, {name}, two / one", _ratio(rounds), LIMIT, at_least=True)
            )
        report.goals.append(Goal(f"by CPU, {name}, two / one", _by_cpu(rounds), LIMIT, at_least=True))
    return report


def _measure(rig: Rig, options: argparse.Namespace, upstream: Running, kind: str) -> list[Round]:
    servers = {
        name: start_gateway(
            rig,
            f"{options.gateway} --workers {count}",
            upstream.port,
            name=f"gateway-{count}",
            config=CONFIGS[kind],
            both_cores=True,
        )
        for count, name in enumerate((ONE, TWO), 1)
    }
    for server in servers.values():
        wait_until_ready(server)
    os.sched_setaffinity(0, rig.both)  # wrk inherits it
    for server in servers.values():
        _load(server, upstream, kind, 1, options)
    rounds = []
    for number in range(options.rounds):
        order = (ONE, TWO) if number % 2 == 0 else (TWO, ONE)
        rounds.append(
            {name: _load(servers[name], upstream, kind, options.seconds, options) for name in order}
        )
    rig.stop(*servers.values())
    return rounds


def _load(
    server: Running, upstream: Running, kind: str, seconds: int, options: argparse.Namespace
) -> Measured:
    spread: list[int] = []

    def look() -> None:
        held = [connections(pid, server.port) for pid in process_tree(server.pid)]
        spread.extend(sorted(one for one in held if one))

    timer = threading.Timer(seconds / 2, look)
    before = cpu_seconds(server.pid), cpu_seconds(upstream.pid)
    timer.start()
    answers = _ask(server, kind, seconds, options)
    after = cpu_seconds(server.pid), cpu_seconds(upstream.pid)
    timer.join()
    gateway, behind = (now - then for now, then in zip(after, before, strict=True))
    each = 1e6 / answers.count
    return Measured(
        answers.count / answers.seconds,
        gateway * each,
        answers.cpu * each,
        behind * each,
        gateway / answers.seconds,
        tuple(spread),
    )


def _ask(server: Running, kind: str, seconds: int, options: argparse.Namespace) -> Answers:
    if kind == LIGHT:
        return run_light(
            server.port, KEPT, connections=options.connections, depth=options.depth, seconds=seconds
        )
    spent = _children()
    url = f"http://127.0.0.1:{server.port}{PROXIED_PATH}"
    result = run_wrk(url, seconds, options.connections)
    return Answers(result.requests, result.requests / result.per_second, _children() - spent)


def _children() -> float:
    """CPU seconds of the programs that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(kind: str, name: str, rounds: list[Round]) -> dict[str, Cell]:
    loads = [each[name] for each in rounds]
    held = [one for load in loads for one in load.spread]
    two = name == TWO
    return {
        "name": f"{kind}, {name}",
        "per_second": median(load.per_second for load in loads),
        "ratio": _ratio(rounds) if two else None,
        "cpu_us": median(load.gateway for load in loads),
        "by_cpu": _by_cpu(rounds) if two else None,
        "client_us": median(load.client for load in loads),
        "upstream_us": median(load.upstream for load in loads),
        "processors": median(load.processors for load in loads),
        "spread": f"{min(held)}-{max(held)}" if two and held else None,
    }


def _ratio(rounds: list[Round]) -> float:
    return median(each[TWO].per_second / each[ONE].per_second for each in rounds)


def _by_cpu(rounds: list[Round]) -> float:
    """Two workers have two processors, one has one: with the same CPU time per request this is 2."""
    return median(2 * each[ONE].gateway / each[TWO].gateway for each in rounds)


BENCHMARK = Benchmark(
    "workers", __doc__ or "", add_options, measure, quick=("--rounds", "3", "--seconds", "2"), peers=""
)

if __name__ == "__main__":
    run_alone(BENCHMARK)
