"""What the benchmarks' command lines have in common."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .machine import describe_machine
from .readiness import wait_until_ready
from .report import Report
from .rig import Cores, Rig, Running
from .servers import PEERS, find_binary, start_gateway, start_peer, start_upstream

SERVE = "brain-gateway serve --config {config} --host 127.0.0.1 --port {port}"
SERVE_ASGI = "brain-gateway serve --entry asgi --config {config} --host 127.0.0.1 --port {port}"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its own options, the measurement, and the arguments of its quick mode."""

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[Rig, argparse.Namespace], Report]
    quick: Sequence[str]
    peers: str = "nginx,haproxy,envoy,traefik"

    def parser(self) -> argparse.ArgumentParser:
        """Return the benchmark's command line."""
        parser = argparse.ArgumentParser(prog=f"bench/{self.name}.py", description=self.summary)
        add_common_options(parser)
        parser.add_argument("--peers", default=self.peers, help="comma-separated (%(default)s)")
        self.add_options(parser)
        return parser

    def run(self, arguments: Sequence[str]) -> Report:
        """Measure with the given arguments in a rig of its own."""
        options = self.parser().parse_args(arguments)
        with Rig(options.cores) as rig:
            return self.measure(rig, options)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add what every benchmark and the runner of all understand."""
    add = parser.add_argument
    add("--gateway", default=SERVE, metavar="COMMAND", help="starts the gateway (%(default)s)")
    add(
        "--asgi-gateway",
        default=SERVE_ASGI,
        metavar="COMMAND",
        help="starts its ASGI entry, where it is measured too; empty: left out (%(default)s)",
    )
    add(
        "--cores",
        type=_cores,
        default=Cores(0, 1),
        metavar="SERVER,LOAD",
        help="processor of the measured server, and of load generator and upstream (0,1)",
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the choice of output."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables (for bench/README.md)")
    parser.add_argument("--enforce", action="store_true", help="end with code 1 when a goal is missed")


def start_subjects(
    rig: Rig, options: argparse.Namespace, *, asgi: bool = False
) -> tuple[Running, dict[str, Running]]:
    """Start the upstream, the gateway (and its ASGI entry) and the chosen peers.

    Returns the upstream and, by name, those under test, each of which has given a proxied answer.
    """
    upstream = start_upstream(rig)
    subjects = {"gateway": start_gateway(rig, options.gateway, upstream.port)}
    if asgi and options.asgi_gateway:
        subjects["gateway-asgi"] = start_gateway(
            rig, options.asgi_gateway, upstream.port, name="gateway-asgi"
        )
    for peer in chosen_peers(options):
        subjects[peer] = start_peer(rig, peer, upstream.port)
    for subject in subjects.values():
        wait_until_ready(subject)
    return upstream, subjects


def chosen_peers(options: argparse.Namespace) -> list[str]:
    """Return the chosen peers that are installed; BenchError for a name that is no peer."""
    wanted = _peer_names(options)
    if unknown := [name for name in wanted if name not in PEERS]:
        raise BenchError(f"no such peer: {', '.join(unknown)} (there are {', '.join(PEERS)})")
    return [name for name in wanted if find_binary(name)]


def absent_peers(options: argparse.Namespace) -> list[str]:
    """Return one note for each chosen peer that is not installed."""
    return [f"{name} is not installed: left out" for name in _peer_names(options) if not find_binary(name)]


def run_alone(benchmark: Benchmark) -> None:
    """Be the main program of one benchmark."""
    parser = benchmark.parser()
    add_output_options(parser)
    options = parser.parse_args()
    stop_cleanly_on_sigterm()
    try:
        with Rig(options.cores) as rig:
            report = benchmark.measure(rig, options)
    except BenchError as error:
        sys.exit(f"{benchmark.name}: {error}")
    print(report.as_markdown() if options.markdown else report.as_text())
    finish([report], options)


def finish(reports: Sequence[Report], options: argparse.Namespace) -> None:
    """Write the JSON file and choose the exit code, as the output options say."""
    if options.json:
        data = {"machine": describe_machine(), "reports": [report.as_data() for report in reports]}
        options.json.write_text(json.dumps(data, indent=2) + "\n")
    if options.enforce and not all(goal.met for report in reports for goal in report.goals):
        sys.exit(1)


def positive_int(text: str) -> int:
    """Read a whole number above zero from a command line."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a whole number above zero is needed, not {text!r}")
    return int(text)


def positive(text: str) -> float:
    """Read a number above zero from a command line."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number above zero is needed, not {text!r}")
    return number


def stop_cleanly_on_sigterm() -> None:
    """Let SIGTERM end the program through its clean-up, so that no server is left behind."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def _cores(text: str) -> Cores:
    try:
        return Cores.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"two processors are needed, as in 0,1, not {text!r}") from None


def _peer_names(options: argparse.Namespace) -> list[str]:
    return [name.strip() for name in options.peers.split(",") if name.strip()]
