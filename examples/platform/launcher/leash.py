"""`python leash.py PARENT COMMAND...`: become the command, and die with the parent.

Linux sends the signal of PR_SET_PDEATHSIG (prctl(2)) to this process, also after it became the command, when
the parent ends in whatever way. Elsewhere the guard alone sees to that. Standard library only: it runs bare.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
