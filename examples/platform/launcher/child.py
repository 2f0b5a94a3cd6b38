"""A process of ours, with all that it starts: one process group, one log, no orphans."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
BARE_PYTHON = (sys.executable, "-I", "-S")


class Guard:
    """The process that ends what is left when the launcher is killed; see guard.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*BARE_PYTHON, str(HERE / "guard.py")], stdin=subprocess.PIPE, start_new_session=True
        )

    def tell(self, sign: str, group: int) -> None:
        """Say that a group was started (+) or has ended (-)."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guard: the leash still holds
            self._process.stdin.write(f"{sign}{group}\n".encode())
            self._process.stdin.flush()

    def close(self) -> None:
        """Let the guard go; everything it knew of has ended by now, or it ends it."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


class Child:
    """A command running in a session of its own; its output goes to a log that begins anew."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, guard: Guard) -> None:
        self.name, self.log, self._process, self._guard = name, log, process, guard
        self._reaped = False

    @classmethod
    def start(
        cls, guard: Guard, name: str, command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path
    ) -> Self:
        """Start a command; call it from the main thread, whose end the leash watches."""
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        leash = [*BARE_PYTHON, str(HERE / "leash.py"), str(os.getpid())]
        with os.fdopen(handle, "wb") as output:
            process = subprocess.Popen(
                [*leash, *command],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        guard.tell("+", process.pid)
        return cls(name, process, log, guard)

    @property
    def pid(self) -> int:
        """The process, and the group that it leads."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is over. It is not reaped yet, so that its group's number stays ours."""
        if self._reaped:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def signal(self, number: int) -> None:
        """Signal the process and whatever it started."""
        if not self._reaped:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def finish(self) -> int:
        """Kill what is left of the group, reap the process, return its exit code (negative: a signal)."""
        if not self._reaped:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._reaped = True
            self._guard.tell("-", self.pid)
        return self._process.returncode

    def tail(self, lines: int = 12) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
