"""The bench itself: a scratch folder, two processors, and the processes started on them."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import BenchError

STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Cores:
    """The processor that the measured server owns, and the one that load generator and upstream share."""

    server: int
    load: int

    @classmethod
    def parse(cls, text: str) -> Cores:
        """Read "0,1" (server, load); ValueError for anything else."""
        server, load = text.split(",")
        return cls(int(server), int(load))


@dataclass(frozen=True)
class Running:
    """A started server: where it listens and where its output goes."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Process id of the root of the server's process tree."""
        return self.process.pid

    def last_words(self, characters: int = 2000) -> str:
        """Return the end of what the server has printed."""
        return self.log.read_text(errors="replace")[-characters:]


class Rig:
    """Starts pinned processes and stops every one of them on exit.

    The benchmark's own process is pinned to the load processor while the rig is open.
    """

    def __init__(self, cores: Cores) -> None:
        self.cores = cores
        self._scratch = tempfile.TemporaryDirectory(prefix="brain-gateway-bench-")
        self._running: list[Running] = []
        self._own_cores = os.sched_getaffinity(0)
        self.folder = Path(self._scratch.name)

    def __enter__(self) -> Self:
        missing = self.both - self._own_cores
        if missing or self.cores.server == self.cores.load:
            raise BenchError(
                f"needs two processors of {sorted(self._own_cores)}: choose them with --cores SERVER,LOAD"
            )
        os.sched_setaffinity(0, {self.cores.load})
        # nginx started by root serves files as another user, who must be able to enter.
        self.folder.chmod(0o755)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(*self._running)
        os.sched_setaffinity(0, self._own_cores)
        self._scratch.cleanup()

    def start(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        *,
        core: int | None,
        environment: Mapping[str, str],
        user: int | None = None,
    ) -> Running:
        """Start `command` on one processor (None: on both), as another `user` (a number; None: as this one).

        Its output goes to a log in the rig's folder.
        """
        log = self.folder / f"{name}-{port}.log"
        os.sched_setaffinity(0, self.both if core is None else {core})  # inherited: no wrapper in its tree
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **environment},
                    user=user,
                    group=user,
                    extra_groups=None if user is None else [],
                )
        except OSError as error:
            raise BenchError(f"{name} cannot be started: {error}") from error
        finally:
            os.sched_setaffinity(0, {self.cores.load})
        running = Running(name, port, process, log)
        self._running.append(running)
        return running

    @property
    def both(self) -> set[int]:
        """The two processors."""
        return {self.cores.server, self.cores.load}

    def stop(self, *servers: Running) -> None:
        """End the process groups of `servers`: asked first, forced after ten seconds."""
        for server in servers:
            _signal_group(server, signal.SIGTERM)
        for server in servers:
            try:
                server.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _signal_group(server, signal.SIGKILL)
                server.process.wait(STOP_SECONDS)
        self._running = [server for server in self._running if server not in servers]


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def raise_file_limit(needed: int) -> None:
    """Let this process and its children open `needed` files; BenchError when the hard limit forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(f"needs {needed} open files, the hard limit is {hard}: raise it (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _signal_group(server: Running, number: signal.Signals) -> None:
    if server.process.poll() is None:
        os.killpg(server.pid, number)
