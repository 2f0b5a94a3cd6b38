"""The platform as a whole: prepared, started, watched over, stopped."""

import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher import databases, environment, ports, probing
from launcher.child import Child, Guard
from launcher.layout import PLATFORM_DIR, REPOSITORY, LaunchError, Layout
from launcher.options import Options
from launcher.reporter import Reporter, ReportName
from launcher.steps import Steps
from launcher.stopping import StopSignals
from launcher.upstreams import UPSTREAMS, Upstream
from launcher.variables import Variables

GATEWAY = "brain-gateway"
START_PATIENCE = 60.0  # seconds for a process to become healthy
STOP_PATIENCE = {GATEWAY: 35.0}  # seconds between SIGTERM and SIGKILL: the gateway drains for 30
USUAL_STOP_PATIENCE = 10.0


@dataclass(slots=True)
class Running:
    """A started process and where it answers."""

    child: Child
    health_url: str
    healthy: bool = False
    mourned: bool = False  # its end was told


class Platform:
    """Owns every process; whatever happens, call `stop` at the end, from the main thread."""

    def __init__(
        self,
        layout: Layout,
        signals: StopSignals,
        reporter: Reporter,
        environ: Mapping[str, str],
        upstreams: Sequence[Upstream] = UPSTREAMS,
    ) -> None:
        self._layout, self._signals, self._reporter = layout, signals, reporter
        self._upstreams = upstreams
        layout.make_directories()
        self._variables = Variables.read(environ, layout)
        self._guard = Guard()
        self._steps = Steps(self._guard, signals)
        self._running: dict[str, Running] = {}
        self.ports: dict[str, int] = {}  # VARIABLE -> port
        self.gateway_url = ""

    def prepare(self) -> None:
        """Install the services' packages and build their databases, where that is not done yet."""
        if not environment.is_ready(self._layout):
            with self._reporter.installing() as on_progress:
                environment.prepare(self._layout, self._steps, on_progress)
        stale = databases.stale(self._layout, self._upstreams)
        if stale:
            with self._reporter.building([upstream.name for upstream in stale]) as on_end:
                databases.build(self._layout, stale, self._steps, self._build_environment, on_end)

    def start_services(self) -> None:
        """Start the services side by side and wait until each is healthy, has ended, or takes too long."""
        taken: set[int] = set()
        for upstream in self._upstreams:
            wanted = self._variables.port_of(upstream)
            port = self.ports[upstream.variable] = ports.choose(wanted, taken)
            if port != wanted:
                self._reporter.moved(upstream.name, wanted, port)
            data = databases.data_of(self._layout, upstream)
            command = [str(self._layout.python), *upstream.serve_at(port)]
            env = self._variables.of_service(upstream, data, port)
            self._start(upstream.name, command, env, PLATFORM_DIR, f"http://{ports.HOST}:{port}/health")
        with self._reporter.starting([upstream.name for upstream in self._upstreams]) as on_healthy:
            self._await(list(self._running.values()), on_healthy)
        self._mourn()

    def start_gateway(self, options: Options) -> None:
        """Start the gateway before the services; LaunchError when it does not come up."""
        port = options.port
        if not options.port_is_fixed:
            port = ports.choose(options.port, set(self.ports.values()))
            if port != options.port:
                self._reporter.moved(GATEWAY, options.port, port)
        elif not ports.is_free(port):
            raise LaunchError(f"port {port} is taken: stop who listens there, or choose another --port")
        self.gateway_url = f"{options.scheme}://{options.client_host}:{port}"
        serve = ["serve", "--config", options.config, "--port", str(port), *options.for_gateway]
        env = self._variables.of_gateway(self.ports)
        health_url = f"{self.gateway_url}/health/live"
        gateway = self._start(GATEWAY, [gateway_command(), *serve], env, REPOSITORY, health_url)
        with self._reporter.starting([GATEWAY]) as on_healthy:
            self._await([gateway], on_healthy)
        if not gateway.healthy:
            raise LaunchError(f"the gateway did not come up, see {gateway.child.log}\n{gateway.child.tail()}")

    def states(self, patience: float = 8.0) -> dict[str, str]:
        """What the gateway says of each service, after its first checks; name -> status."""
        names = {name for name, running in self._running.items() if running.healthy} - {GATEWAY}
        deadline = time.monotonic() + patience
        states: dict[str, str] = {}
        while time.monotonic() < deadline:
            states = probing.service_states(f"{self.gateway_url}/health")
            settled = all(states.get(name) == "healthy" for name in names)
            if states and settled and "unknown" not in states.values():
                break
            self._signals.pause(0.25)
        return states

    def watch(self) -> None:
        """Wait for a request to stop (StopRequested); LaunchError when the gateway ends by itself."""
        while True:
            self._mourn()
            self._signals.pause(0.5)

    def stop(self) -> None:
        """End everything, the gateway first, so that requests in flight still find their service."""
        gateway = [running.child for name, running in self._running.items() if name == GATEWAY]
        services = [running.child for name, running in self._running.items() if name != GATEWAY]
        if self._running:
            self._reporter.stopping()
        for children in (gateway, services):
            self._end(children)
        self._running.clear()
        self._guard.close()

    def _start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path, health_url: str
    ) -> Running:
        child = Child.start(self._guard, name, command, env, self._layout.log(name), cwd)
        self._running[name] = Running(child, health_url)
        return self._running[name]

    def _await(self, waiting: list[Running], on_healthy: ReportName) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while waiting and time.monotonic() < deadline:
            for running in list(waiting):
                if running.child.has_ended:
                    waiting.remove(running)
                elif probing.is_well(running.health_url):
                    running.healthy = True
                    waiting.remove(running)
                    on_healthy(running.child.name)
            self._signals.pause()
        for running in waiting:
            self._reporter.slow(running.child)

    def _mourn(self) -> None:
        """Tell, once, of each process that has ended by itself."""
        for name, running in self._running.items():
            if running.mourned or not running.child.has_ended:
                continue
            running.mourned, running.healthy = True, False
            code = running.child.finish()
            if name == GATEWAY:
                raise LaunchError(f"the gateway ended (exit code {code})\n{running.child.tail()}")
            self._reporter.ended(running.child, code)

    def _end(self, children: list[Child]) -> None:
        """SIGTERM, then SIGKILL to whoever takes too long, or at once on a second request to stop."""
        asked = time.monotonic()
        requests = self._signals.requests
        for child in children:
            child.signal(signal.SIGTERM)
        waiting = list(children)
        while waiting:
            elapsed, hurry = time.monotonic() - asked, self._signals.requests > requests
            for child in list(waiting):
                patience = STOP_PATIENCE.get(child.name, USUAL_STOP_PATIENCE)
                if child.has_ended or hurry or elapsed > patience:
                    child.finish()
                    waiting.remove(child)
            time.sleep(0.05)

    def _build_environment(self, upstream: Upstream, data: Path) -> dict[str, str]:
        return self._variables.of_service(upstream, data, self._variables.port_of(upstream))


def gateway_command() -> str:
    """The command beside this Python, or on the path; LaunchError when there is none."""
    beside = Path(sys.executable).with_name(GATEWAY)
    if beside.exists():
        return str(beside)
    found = shutil.which(GATEWAY)
    if found is None:
        raise LaunchError(f"there is no command {GATEWAY} beside {sys.executable}: run `make setup`")
    return found
