"""Port: where processes tell each other what was purged from the response cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from brain_gateway.application.ports.response_store import Purge


class PurgeBoard(Protocol):
    """Passes purges on, and remembers none: who was not there finds out from the shared store, which counts changes.
    Both methods raise StoreUnavailable."""

    async def announce(self, purge: Purge) -> None:
        """Tell the others."""
        ...

    def notices(self) -> AsyncIterator[Purge]:
        """What others announce from now on; without end."""
        ...
