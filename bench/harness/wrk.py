"""Closed-loop load by wrk (https://github.com/wg/wrk): as many requests as the connections carry."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .procfs import cpu_seconds, resident_bytes
from .rig import Running
from .workload import PROXIED_PATH, request_headers

MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class WrkResult:
    """What wrk printed: requests in all, per second, latency in milliseconds."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Load:
    """One measured stretch of load: CPU in microseconds per request, memory in bytes after it."""

    cpu_us: float
    resident: int
    wrk: WrkResult


def put_load(
    server: Running, *, seconds: float, connections: int, path: str = PROXIED_PATH, script: Path | None = None
) -> Load:
    """Load `server` with wrk (one thread, on the load processor) and book its CPU time per request.

    Raises BenchError when a request failed: figures of refusals would flatter.
    """
    before = cpu_seconds(server.pid)
    result = run_wrk(f"http://127.0.0.1:{server.port}{path}", seconds, connections, script)
    spent = cpu_seconds(server.pid) - before
    return Load(spent / result.requests * 1e6, resident_bytes(server.pid), result)


def run_wrk(url: str, seconds: float, connections: int, script: Path | None = None) -> WrkResult:
    """Run wrk against `url` with the benchmark's headers; `script` is a Lua file that makes the requests."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchError("wrk is not installed (Debian package wrk)")
    command = [wrk, "--latency", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += ["-s", str(script)] if script else []
    for name, value in request_headers().items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"wrk {url} ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return parse_wrk(done.stdout)


def parse_wrk(output: str) -> WrkResult:
    """Read wrk's report; BenchError when it tells of failed requests or is none."""
    if "Non-2xx" in output or "Socket errors" in output:
        raise BenchError(f"not every request succeeded:\n{output}")
    requests = re.search(r"^\s*(\d+) requests in", output, re.MULTILINE)
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", output, re.MULTILINE)
    quantiles = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", output, re.MULTILINE))
    if not requests or not rate or quantiles.keys() != {"50", "99"} or int(requests[1]) == 0:
        raise BenchError(f"wrk gave no report of requests:\n{output}")
    return WrkResult(
        int(requests[1]), float(rate[1]), _milliseconds(quantiles["50"]), _milliseconds(quantiles["99"])
    )


def _milliseconds(text: str) -> float:
    number = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if number is None:
        raise BenchError(f"wrk printed {text!r} where a duration was expected")
    return float(number[1]) * MILLISECONDS[number[2]]
