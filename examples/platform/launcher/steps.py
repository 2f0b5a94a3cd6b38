"""Running a command to its end, with its output in a log and a look at its lines on the way."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from launcher.child import Child, Guard
from launcher.layout import PLATFORM_DIR, LaunchError
from launcher.stopping import StopSignals


class Steps:
    """Starts commands that end by themselves, and waits for them; a request to stop ends them."""

    def __init__(self, guard: Guard, signals: StopSignals) -> None:
        self._guard, self._signals = guard, signals

    def run(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Run one command; LaunchError with the end of its log when it fails."""
        child = Child.start(self._guard, name, command, env, log, PLATFORM_DIR)
        try:
            with log.open(encoding="utf-8", errors="replace") as output:
                ended = False
                while not ended:
                    ended = child.has_ended  # asked before reading, so that the last lines are read
                    for line in output:
                        on_line(line.rstrip())
                    if not ended:
                        self._signals.pause()
        finally:
            code = child.finish()
        fail_unless_zero(child, code)

    def run_together(
        self,
        commands: Mapping[str, tuple[Sequence[str], Mapping[str, str], Path]],
        on_end: Callable[[str], None],
    ) -> None:
        """Run several commands side by side; the first that fails ends the others."""
        children: dict[str, Child] = {}
        try:
            for name, (command, env, log) in commands.items():
                children[name] = Child.start(self._guard, name, command, env, log, PLATFORM_DIR)
            while children:
                for name, child in list(children.items()):
                    if child.has_ended:
                        fail_unless_zero(child, child.finish())
                        del children[name]
                        on_end(name)
                self._signals.pause()
        finally:
            for child in children.values():
                child.finish()


def fail_unless_zero(child: Child, code: int) -> None:
    """Raise LaunchError for a command that failed."""
    if code != 0:
        raise LaunchError(f"{child.name} failed (exit code {code}), see {child.log}\n{child.tail()}")
