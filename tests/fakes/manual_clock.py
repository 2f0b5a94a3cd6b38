"""A clock that stands still until a test moves it."""

from __future__ import annotations


class ManualClock:
    """Called, it gives monotonic seconds; `unix()` runs along with it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def unix(self) -> float:
        """Seconds since the epoch."""
        return 1_800_000_000.0 + self.now

    def tick(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds
