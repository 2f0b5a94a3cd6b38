#!/usr/bin/env python3
"""Run every benchmark, in a quick mode unless --full, and print one table for each."""

from __future__ import annotations

import argparse
import sys
import time

import bodies
import cold_start
import control_plane
import idle
import import_services
import latency
import peers
import scaling
import stores
import workers
from harness.cli import Benchmark, add_common_options, add_output_options, finish, stop_cleanly_on_sigterm
from harness.errors import BenchError
from harness.machine import describe_machine
from harness.report import Report

BENCHMARKS: tuple[Benchmark, ...] = tuple(
    module.BENCHMARK
    for module in (
        peers,
        latency,
        bodies,
        idle,
        scaling,
        cold_start,
        stores,
        workers,
        import_services,
        control_plane,
    )
)


def main() -> None:
    """Measure what was chosen; a benchmark that fails is named and the others go on (exit code 1 then)."""
    options = _parser().parse_args()
    stop_cleanly_on_sigterm()
    began = time.monotonic()
    print("; ".join(f"{name} {fact}" for name, fact in describe_machine().items()), "\n", flush=True)
    reports, failed = [], []
    for benchmark in _chosen(options.only):
        try:
            report = benchmark.run(_arguments(benchmark, options))
        except BenchError as error:
            failed.append(benchmark.name)
            print(f"== {benchmark.name}: FAILED\n{error}\n", flush=True)
            continue
        reports.append(report)
        _show(report, markdown=options.markdown)
    print(f"{time.monotonic() - began:.0f} seconds", file=sys.stderr)
    finish(reports, options)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    names = ",".join(benchmark.name for benchmark in BENCHMARKS)
    parser.add_argument("--only", default=names, help="comma-separated (%(default)s)")
    parser.add_argument("--full", action="store_true", help="each benchmark's own defaults: longer, steadier")
    add_common_options(parser)
    add_output_options(parser)
    return parser


def _chosen(only: str) -> list[Benchmark]:
    wanted = [name.strip() for name in only.split(",")]
    by_name = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    if unknown := [name for name in wanted if name not in by_name]:
        sys.exit(f"no such benchmark: {', '.join(unknown)} (there are {', '.join(by_name)})")
    return [by_name[name] for name in wanted]


def _arguments(benchmark: Benchmark, options: argparse.Namespace) -> list[str]:
    cores = f"{options.cores.server},{options.cores.load}"
    common = ["--gateway", options.gateway, "--asgi-gateway", options.asgi_gateway, "--cores", cores]
    return common if options.full else [*common, *benchmark.quick]


def _show(report: Report, *, markdown: bool) -> None:
    print(report.as_markdown() if markdown else report.as_text(), "\n", flush=True)


if __name__ == "__main__":
    main()
