"""What admission answers when it must wait for something that is not in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Refusal


class Deferred(ABC):
    """Await `wait()` beside the path and ask again (`RequestRouter.decide`); every wait is bounded.

    `most`: how often one request waits for this kind; after that it gets `refusal()`.
    """

    __slots__ = ()
    most: ClassVar[int] = 1

    @abstractmethod
    async def wait(self) -> None:
        """Return when asking again is worth it. Never raises; the caller goes on in the same step of the loop."""

    @abstractmethod
    def refusal(self) -> Refusal:
        """The answer when waiting did not help."""
