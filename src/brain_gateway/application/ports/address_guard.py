"""Port: where a guarded target may be connected to."""

from __future__ import annotations

from typing import Protocol

from brain_gateway.domain.routing.target import Target


class AddressGuard(Protocol):
    """Resolves names itself, so that what was judged is what is connected to."""

    async def address_of(self, target: Target) -> str:
        """An IP address of the target that a tenant may name. Raises UpstreamUnreachable when there is none."""
        ...
