"""Port: where processes tell each other which circuits are open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol


class Notice(NamedTuple):
    """The circuit of one target (by its service's key and its origin) is open for so many seconds; 0.0: closed."""

    service: str
    target: str
    open_for: float


class BreakerBoard(Protocol):
    """Remembers what is open for as long as it is, and passes notices on. Both methods raise StoreUnavailable."""

    async def announce(self, notice: Notice) -> None:
        """Tell the others; whoever comes within `open_for` seconds is told too."""
        ...

    def notices(self) -> AsyncIterator[Notice]:
        """What is open now, then what others announce; without end."""
        ...
