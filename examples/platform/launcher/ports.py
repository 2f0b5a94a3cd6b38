"""Which ports are free."""

import socket

from launcher.layout import LaunchError

HOST = "127.0.0.1"
# The whole table of services: those that are not started keep their ports free, so that they are DOWN and
# nobody else answers in their place.
TABLE = frozenset({8000, 8001, 8002, 8003, 8004, 8005, 8007, 8008, 8009, 8012, 8088, 8200, 7233, 6379})


def is_free(port: int, host: str = HOST) -> bool:
    """Tell whether somebody could listen there; connections that wind down do not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose(wanted: int, taken: set[int]) -> int:
    """Return the wanted port, or the next free one that no service of the table has; adds it to `taken`."""
    for port in range(wanted, 65536):
        ours = port == wanted or port not in TABLE
        if ours and port not in taken and is_free(port):
            taken.add(port)
            return port
    raise LaunchError(f"no free port from {wanted} on")
