"""Imports every module of the gateway, each as if it were the first, and prints what did more than define things.

A program of its own (`python import_probe.py SRC`): an audit hook cannot be taken away again. Sockets, threads,
processes, signal handlers and files are watched; reading Python files and what lies in the interpreter's own
directories is not.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

SRC = Path(sys.argv[1]).resolve()
BLOCKED = ("socket.", "subprocess.", "os.fork", "os.exec", "os.posix_spawn", "os.system")
WRITING = (
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.link",
    "tempfile.",
)
OWN = tuple({str(Path(base).resolve()) + os.sep for base in (sys.prefix, sys.base_prefix, "/usr/lib")})
KERNEL = "/proc/"  # prometheus_client's collectors look at their process as they are made

found: list[str] = []
present = ""  # the module that is being imported


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook: note what should not happen, and stop it."""
    if not present:
        return
    if event == "open" and _reads_code(arguments):
        return
    if event == "open" or event.startswith((*BLOCKED, *WRITING)):
        found.append(f"{present}: {event} {arguments[0] if arguments else ''}")
        raise PermissionError(f"{event} while {present} is imported")


def _reads_code(arguments: tuple[object, ...]) -> bool:
    path, mode, flags = arguments
    writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
        isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    )
    if writes or isinstance(path, int):
        return False
    resolved = str(Path(os.fsdecode(path)).resolve())  # type: ignore[arg-type]  # open() takes nothing else
    if resolved.startswith(str(SRC) + os.sep):
        return resolved.endswith((".py", ".pyc"))
    return resolved.startswith((*OWN, KERNEL))


def no_start(thread: threading.Thread) -> None:
    """In place of Thread.start, which tells the audit hook nothing before Python 3.12."""
    found.append(f"{present}: started a thread")


def import_afresh(module: str) -> None:
    """Import one module with none of the gateway's imported yet."""
    global present
    for name in [name for name in sys.modules if name.partition(".")[0] == "brain_gateway"]:
        del sys.modules[name]
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    present = module
    try:
        importlib.import_module(module)
    # Whatever it is, the other modules are still to be looked at.
    except Exception as error:
        found.append(f"{module}: {type(error).__name__}: {error}")
    present = ""
    if [signal.getsignal(number) for number in signal.valid_signals()] != handlers:
        found.append(f"{module}: set a signal handler")


def main() -> None:
    """Everything there is; ends with a list in JSON."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(SRC))
    sys.addaudithook(watch)
    threading.Thread.start = no_start  # type: ignore[method-assign]  # nobody here needs the real one
    for path in sorted((SRC / "brain_gateway").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        import_afresh(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
