"""When does a server give its first proxied answer?"""

from __future__ import annotations

import http.client
import time

from .errors import BenchError
from .rig import Running
from .workload import ANSWER, PROXIED_PATH, request_headers

POLL_SECONDS = 0.002
ASK_SECONDS = 5.0


def wait_until_ready(
    server: Running, *, path: str = PROXIED_PATH, within: float = 60.0, began: float | None = None
) -> float:
    """Ask until the upstream's answer comes through; return the seconds since `began` (time.monotonic()).

    Raises BenchError with the server's own output when it ends, or does not answer `within` seconds.
    """
    start = time.monotonic() if began is None else began
    headers = request_headers()
    last = "no answer"
    while time.monotonic() - start < within and server.process.poll() is None:
        last = _ask(server.port, path, headers)
        if last == "ready":
            return time.monotonic() - start
        time.sleep(POLL_SECONDS)
    ended = server.process.poll()
    state = last if ended is None else f"ended with code {ended}"
    raise BenchError(f"{server.name} on port {server.port}: {state}\n{server.last_words()}")


def _ask(port: int, path: str, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer yet ({error})"
    finally:
        connection.close()
    if answer.status == 200 and body == ANSWER.encode():
        return "ready"
    return f"answered {answer.status}: {body[:200]!r}"
