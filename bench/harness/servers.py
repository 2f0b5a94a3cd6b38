"""The servers of a benchmark: the upstream, the gateway, and peers beside it with the nearest policies."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .rig import Rig, Running, free_port
from .workload import ANSWER, ISSUER, PROXIED_PREFIX, SECRET, UPSTREAM_PREFIX

BENCH = Path(__file__).resolve().parent.parent
TEMPLATES = Path(__file__).resolve().parent / "templates"
GATEWAY_CONFIG = BENCH / "gateway.yaml"
# Debian keeps nginx and haproxy where only root looks.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Peer:
    """A gateway to compare with: its configuration's template and the arguments that start it."""

    template: str
    arguments: Callable[[Path, int], list[str]]


PEERS: dict[str, Peer] = {
    "nginx": Peer("nginx.conf", lambda file, port: ["-e", f"{file}.log", "-c", str(file)]),
    "haproxy": Peer("haproxy.cfg", lambda file, port: ["-db", "-f", str(file)]),
    "envoy": Peer(
        "envoy.yaml",
        lambda file, port: (
            ["-c", str(file), "--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id"]
        ),
    ),
    "traefik": Peer(
        "traefik.yaml",
        lambda file, port: [
            f"--entrypoints.door.address=127.0.0.1:{port}",
            f"--providers.file.filename={file}",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ],
    ),
}


def find_binary(name: str) -> str | None:
    """Return the path of an installed program (also beside this Python, and where Debian hides servers)."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(folders))


def start_upstream(rig: Rig, *, both_cores: bool = False) -> Running:
    """Start the nginx that stands behind every gateway, on the load processor or on both."""
    port = free_port()
    file = write_template(rig, "upstream.conf", port, port=port)
    command = [installed("nginx"), "-e", f"{file}.log", "-c", str(file)]
    core = None if both_cores else rig.cores.load
    return rig.start("upstream", command, port, core=core, environment={})


def start_sink(rig: Rig) -> Running:
    """Start the upstream that swallows bodies, on the load processor."""
    port = free_port()
    command = [sys.executable, "-m", f"{__package__}.sink", str(port)]
    return rig.start("sink", command, port, core=rig.cores.load, environment={"PYTHONPATH": str(BENCH)})


def start_peer(rig: Rig, peer: str, upstream_port: int, name: str | None = None) -> Running:
    """Start one of PEERS in front of the upstream, on the server processor."""
    port = free_port()
    _write_jwks(rig)
    file = write_template(rig, PEERS[peer].template, port, port=port, upstream_port=upstream_port)
    command = [installed(peer), *PEERS[peer].arguments(file, port)]
    # One thread of Go's runtime for the one processor: more would only contend.
    return rig.start(name or peer, command, port, core=rig.cores.server, environment={"GOMAXPROCS": "1"})


def start_gateway(
    rig: Rig,
    command: str,
    upstream_port: int,
    *,
    name: str = "gateway",
    config: Path = GATEWAY_CONFIG,
    environment: Mapping[str, str] | None = None,
    both_cores: bool = False,
) -> Running:
    """Start the gateway on the server processor, or on both.

    `command` names {port} and may name {config}; JWT_SECRET and BENCH_UPSTREAM are in its environment, and a data
    directory of its own, new unless `environment` names one. The bare name of a peer puts that peer in the
    gateway's place, which tries the benchmark without one.
    """
    if command.strip() in PEERS:
        return start_peer(rig, command.strip(), upstream_port, name)
    if "{port}" not in command:
        raise BenchError(f"the gateway's command must say where {{port}} goes: {command!r}")
    port = free_port()
    program, *arguments = shlex.split(command)
    filled = [word.replace("{port}", str(port)).replace("{config}", str(config)) for word in arguments]
    variables = {
        "JWT_SECRET": SECRET,
        "BENCH_UPSTREAM": f"http://127.0.0.1:{upstream_port}",
        "BRAIN_GATEWAY_DATA_DIR": str(rig.folder / f"data-{port}"),
        "PYTHONDONTWRITEBYTECODE": "",  # empty is off: a start without byte code is not what users have
        **(environment or {}),
    }
    core = None if both_cores else rig.cores.server
    return rig.start(name, [installed(program), *filled], port, core=core, environment=variables)


def write_template(rig: Rig, template: str, tag: object, **values: object) -> Path:
    """Fill the <<names>> of a template into a file of the rig's folder, named with `tag`; return its path.

    Raises KeyError for a name that has no value.
    """
    known: dict[str, object] = {
        "folder": rig.folder,
        "answer": ANSWER,
        "secret": SECRET,
        "issuer": ISSUER,
        "proxied_prefix": PROXIED_PREFIX,
        "upstream_prefix": UPSTREAM_PREFIX,
        **values,
    }
    text = (TEMPLATES / template).read_text()
    stem, _, suffix = template.rpartition(".")
    file = rig.folder / f"{stem}-{tag}.{suffix}"
    file.write_text(re.sub(r"<<(\w+)>>", lambda found: str(known[found[1]]), text))
    return file


def _write_jwks(rig: Rig) -> None:
    key = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    jwks = {"keys": [{"kty": "oct", "alg": "HS256", "kid": "bench", "k": key}]}
    (rig.folder / "jwks.json").write_text(json.dumps(jwks))


def installed(program: str) -> str:
    """Return the path of a program; BenchError when it is not there."""
    binary = find_binary(program)
    if binary is None:
        raise BenchError(f"{program} is not installed or not on PATH (see bench/README.md, Needs)")
    return binary
