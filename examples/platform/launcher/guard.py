"""`python guard.py`: outlives the launcher just long enough to end what the launcher left behind.

The launcher writes the process groups that it starts (`+PID`) and has ended (`-PID`) to this process's
standard input. When that closes, by whatever end the launcher came to, the groups still on the list are
ended: SIGTERM, and SIGKILL for those that do not listen. Standard library only: it runs bare.
"""

import os
import signal
import sys
import time

PATIENCE = 10.0  # seconds between asking and killing


def main() -> None:
    """Read until the launcher is gone, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    groups = {group for group in groups if _signal(group, signal.SIGTERM)}
    deadline = time.monotonic() + PATIENCE
    while groups and time.monotonic() < deadline:
        time.sleep(0.1)
        groups = {group for group in groups if _signal(group, 0)}
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Signal a group; False when there is nobody left in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
