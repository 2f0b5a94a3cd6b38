"""Being asked to stop."""

import signal
import time
from types import FrameType

SLICE = 0.1  # seconds


class StopRequested(KeyboardInterrupt):
    """Somebody pressed Ctrl-C, or sent SIGTERM or SIGHUP."""


class StopSignals:
    """Counts the requests to stop. Nothing is interrupted: whoever waits, waits with `pause`."""

    def __init__(self) -> None:
        self.requests = 0

    def listen(self) -> None:
        """From now on signals are counted."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count)

    def pause(self, seconds: float = SLICE) -> None:
        """Wait; raises StopRequested as soon as there is a request."""
        deadline = time.monotonic() + seconds
        while True:
            if self.requests:
                raise StopRequested
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, SLICE))

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.requests += 1
