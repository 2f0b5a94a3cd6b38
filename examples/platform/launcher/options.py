"""The command line of `make run`: what is ours, and the rest, which is the gateway's."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launcher.layout import PLATFORM_DIR
from launcher.variables import read_port


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `port_is_fixed`: asked for by name, so another one will not do."""

    prepare_only: bool
    services_only: bool
    host: str
    port: int
    port_is_fixed: bool
    config: str
    scheme: str
    for_gateway: tuple[str, ...]

    @property
    def client_host(self) -> str:
        """Where a client on this machine reaches the gateway."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"[{host}]" if ":" in host else host


def read_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Read the command line; anything unknown goes to `brain-gateway serve` as it is."""
    parser = argparse.ArgumentParser(
        prog="run.py", description=__doc__, allow_abbrev=False, epilog="Other options go to the gateway."
    )
    parser.add_argument("--prepare-only", action="store_true", help="install and build, start nothing")
    parser.add_argument("--services-only", action="store_true", help="start the services without the gateway")
    parser.add_argument("--host", help="where the gateway listens (default: 127.0.0.1)")
    parser.add_argument("--port", help="which port it listens on (default: 8001, or the next free one)")
    parser.add_argument("--config", help="its configuration (default: gateway.yaml beside this file)")
    ours, rest = parser.parse_known_args(arguments)
    wanted = {**environ, **({"--port": ours.port} if ours.port else {})}
    variable = "--port" if ours.port else "BRAIN_GATEWAY_PORT"
    return Options(
        prepare_only=ours.prepare_only,
        services_only=ours.services_only,
        host=ours.host or environ.get("BRAIN_GATEWAY_HOST") or "127.0.0.1",
        port=read_port(wanted, variable, 8001),
        port_is_fixed=bool(wanted.get(variable)),
        config=ours.config or str(PLATFORM_DIR / "gateway.yaml"),
        scheme="https" if environ.get("TLS_CERT_FILE") else "http",
        for_gateway=(*(("--host", ours.host) if ours.host else ()), *rest),
    )
