#!/usr/bin/env python3
"""Changes under load: how long until each process serves by them, what one costs, and how soon a key is refused."""

from __future__ import annotations

import argparse
import http.client
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from harness.cli import Benchmark, positive_int, run_alone
from harness.errors import BenchError
from harness.open_loop import OpenLoop, quantile
from harness.procfs import cpu_seconds
from harness.readiness import wait_until_ready
from harness.report import Cell, Column, Goal, Report
from harness.rig import Rig, Running
from harness.servers import start_gateway, start_upstream
from harness.tables import PATH_FORMAT, SERVICE, Shape, write_config
from harness.workload import TENANT, mint_token, request_head

HERE, EVERYWHERE, PATIENCE = 30.0, 100.0, 10.0
ASKED, LOADED = (PATH_FORMAT % (number, 0, 1) for number in (0, 1))
COLUMNS = (
    Column("changes", "changes", 0),
    Column("here_p50", "here p50 ms", 1),
    Column("here_p99", "p99", 1),
    Column("here_max", "max", 1),
    Column("all_p50", "everywhere p50 ms", 1),
    Column("all_p99", "p99", 1),
    Column("all_max", "max", 1),
    Column("cpu", "CPU ms/change", 1),
    Column("traffic_p50", "traffic p50 ms", 2),
    Column("traffic_p99", "p99", 2),
)


@dataclass
class Times:
    """Milliseconds: from sending a change to its answer (it is in force here), and from that to all connections."""

    here: list[float] = field(default_factory=list)
    everywhere: list[float] = field(default_factory=list)


class Caller:
    """A keep-alive connection: it stays with the worker that took it."""

    def __init__(self, server: Running, role: str = "client", **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self._headers = headers or {"Authorization": f"Bearer {mint_token(role)}"}

    def ask(self, method: str, path: str, document: object = None, kind: str = "application/json") -> bytes:
        """The body of the answer. Raises BenchError when it is an error."""
        status, body = self._ask(method, path, document, kind)
        if status >= 300:
            raise BenchError(f"{method} {path}: {status} {body!r}")
        return body

    def status(self, path: str) -> int:
        """The status of the answer."""
        return self._ask("GET", path, None, "")[0]

    def _ask(self, method: str, path: str, document: object, kind: str) -> tuple[int, bytes]:
        body = None if document is None else json.dumps(document)
        headers = self._headers if body is None else {**self._headers, "Content-Type": kind}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add duration, connections and the size of the large table."""
    parser.add_argument("--seconds", type=positive_int, default=30, help="of load for each row (%(default)s)")
    parser.add_argument(
        "--rate", type=positive_int, default=500, help="requests a second beside (%(default)s)"
    )
    parser.add_argument("--askers", type=positive_int, default=16, help="connections that wait (%(default)s)")
    parser.add_argument("--keys", type=positive_int, default=50, help="that are revoked (%(default)s)")
    parser.add_argument("--services", type=positive_int, default=10_000, help="large table (%(default)s)")


def measure(rig: Rig, options: argparse.Namespace) -> Report:
    """One worker, four workers, a large table, and keys that are revoked with four workers."""
    upstream = start_upstream(rig)
    report = Report("control_plane", "changes under load", COLUMNS)
    shapes = (
        ("1 worker", 13, 1),
        ("4 workers", 13, 4),
        (f"1 worker, {options.services} services", options.services, 1),
    )
    for name, services, workers in shapes:
        shape = Shape(services, 10)
        server = start_gateway(
            rig, f"{options.gateway} --workers {workers}", upstream.port, name=f"gateway-{services}-{workers}",
            config=write_config(rig, shape), both_cores=workers > 1,
        )  # fmt: skip
        wait_until_ready(server, path=shape.first_path, within=300)
        askers = [Caller(server) for _ in range(options.askers)]
        report.rows.append(_row(name, server, askers, options))
        if workers > 1:
            report.rows.append(_revocations(server, options))
        rig.stop(server)
    here, everywhere, keys, large = report.rows
    report.goals += [
        Goal("here, p99 ms", float(here["here_p99"] or 0), HERE),
        Goal("here with the large table, p99 ms", float(large["here_p99"] or 0), HERE),
        Goal("everywhere after the answer, p99 ms", float(everywhere["all_p99"] or 0), EVERYWHERE),
        Goal("a revoked key everywhere, p99 ms", float(keys["all_p99"] or 0), EVERYWHERE),
    ]
    return report


def _row(name: str, server: Running, askers: list[Caller], options: argparse.Namespace) -> dict[str, Cell]:
    quiet = _quiet_cost(server, options)
    with ProcessPoolExecutor(1) as processes:
        load = processes.submit(_steady, server.port, options.rate, options.seconds)
        times = Times()
        admin = Caller(server, "super_admin")
        while not load.done():
            _change(admin, askers, times, len(times.here) % 2 == 1)
        p50, p99 = load.result()
    if len(times.here) % 2:
        _change(admin, askers, times, True)
    return {"name": name, "cpu": quiet, "traffic_p50": p50, "traffic_p99": p99, **_figures(times)}


def _steady(port: int, rate: int, seconds: int) -> tuple[float, float]:
    """Requests by the clock to a service that no change is about; p50 and p99 of their milliseconds.

    Raises BenchError when one of them fails.
    """
    loop = OpenLoop(port, request_head(LOADED), rate=rate, connections=32)
    latencies = loop.run(rate * seconds).latencies
    loop.close()
    return quantile(latencies, 0.5) * 1e3, quantile(latencies, 0.99) * 1e3


def _change(admin: Caller, askers: list[Caller], times: Times, shown: bool) -> None:
    """Hide a service, or show it again, and wait until every connection sees it."""
    began = time.perf_counter()
    _expose(admin, shown)
    answered = time.perf_counter()
    times.here.append((answered - began) * 1e3)
    times.everywhere.append(_until(askers, 200 if shown else 404, answered))


def _expose(admin: Caller, shown: bool) -> None:
    kind = "application/merge-patch+json"
    admin.ask("PATCH", f"/api/v1/services/name:{SERVICE.format(0)}", {"exposed": shown}, kind)


def _until(askers: list[Caller], status: int, since: float) -> float:
    """Milliseconds until all of them are answered so."""
    waiting = askers
    while waiting := [one for one in waiting if one.status(ASKED) != status]:
        if time.perf_counter() - since > PATIENCE:
            raise BenchError(f"a worker has not followed within {PATIENCE:g} seconds")
    return (time.perf_counter() - since) * 1e3


def _quiet_cost(server: Running, options: argparse.Namespace, changes: int = 40) -> float:
    """CPU milliseconds of the process tree for one change, without load."""
    admin = Caller(server, "super_admin")
    _expose(admin, False)
    _expose(admin, True)
    before = cpu_seconds(server.pid)
    for number in range(changes):
        _expose(admin, number % 2 == 1)
    return (cpu_seconds(server.pid) - before) / changes * 1e3


def _revocations(server: Running, options: argparse.Namespace) -> dict[str, Cell]:
    admin, times = Caller(server, "super_admin"), Times()
    for _ in range(options.keys):
        made = json.loads(
            admin.ask("POST", f"/api/v1/keys?tenant={TENANT}", {"user": "bench", "roles": ["client"]})
        )
        holders = [Caller(server, **{"X-API-Key": made["key"]}) for _ in range(options.askers)]
        _until(holders, 200, time.perf_counter())
        began = time.perf_counter()
        admin.ask("DELETE", f"/api/v1/keys/{made['id']}")
        answered = time.perf_counter()
        times.here.append((answered - began) * 1e3)
        times.everywhere.append(_until(holders, 401, answered))
    nothing = dict.fromkeys(("cpu", "traffic_p50", "traffic_p99"))
    return {"name": "4 workers, keys revoked", **nothing, **_figures(times)}


def _figures(times: Times) -> dict[str, Cell]:
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    here = {f"here_{name}": quantile(times.here, share) for name, share in shares.items()}
    everywhere = {f"all_{name}": quantile(times.everywhere, share) for name, share in shares.items()}
    return {"changes": len(times.here), **here, **everywhere}


BENCHMARK = Benchmark(
    "control_plane", __doc__ or "", add_options, measure, quick=("--seconds", "10", "--keys", "20")
)

if __name__ == "__main__":
    run_alone(BENCHMARK)
