"""`make run`: the gateway and the small real platform behind it. Run it with the gateway's Python."""

import sys

try:
    import rich  # noqa: F401  # asked for here, so that its absence gets a sentence instead of a traceback
except ImportError:
    sys.exit("run this with the gateway's own Python (.venv/bin/python); `make setup` makes it")

from launcher.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
