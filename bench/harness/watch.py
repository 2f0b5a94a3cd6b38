"""One caller that asks again and again while something else is done to the server: how long was it kept waiting?"""

from __future__ import annotations

import http.client
import threading
import time
from types import TracebackType
from typing import Self

from .errors import BenchError
from .workload import PROXIED_PATH, request_headers

PATIENCE = 60.0


class Watch:
    """Proxied requests every `interval` seconds on one connection, in a thread, as long as the context is open.

    `latencies`: seconds from when each was due; what a stall delays is charged to it.
    """

    def __init__(self, port: int, interval: float = 0.005) -> None:
        self._port = port
        self._interval = interval
        self._over = threading.Event()
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.latencies: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        if self._fault is not None and error is None:
            raise BenchError(self._fault)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = request_headers()
        due = time.perf_counter()
        try:
            while not self._over.is_set():
                time.sleep(max(0.0, due - time.perf_counter()))
                connection.request("GET", PROXIED_PATH, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    self._fault = f"not every request succeeded: {answer.status} {body[:200]!r}"
                    return
                self.latencies.append(time.perf_counter() - due)
                due = max(due + self._interval, time.perf_counter())
        except (OSError, http.client.HTTPException) as error:
            self._fault = f"not every request succeeded: {error!r}"
        finally:
            connection.close()
