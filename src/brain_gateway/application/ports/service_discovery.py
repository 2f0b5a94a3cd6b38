"""Port: where the instances of a service are.

One shape for directories that are asked (DNS), that hold a question until there is something new (Consul's
blocking queries) and that tell by themselves (the EndpointSlices of Kubernetes): a question that carries what is
known. DNS answers at once and says how long that holds. Consul answers when its index is past `version`; an adapter
that keeps a watch open answers when its list is past it; both say `valid_for` 0, which means: ask again. So there is
one scheduler, above the port, that knows when to ask, and no adapter has a loop of its own that could die unseen. How
many questions may be under way, and how long each may take, is the adapter's to bound: a DNS answer comes in seconds,
a blocking query in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from brain_gateway.domain.routing.discovery import Instance, Lookup


@dataclass(frozen=True, slots=True)
class Discovered:
    """All instances that there are now (none is an answer too), and for how many seconds that may be believed.

    `version` names this state of the directory, for the next question; "": it has no versions.
    """

    instances: tuple[Instance, ...]
    valid_for: float
    version: str = ""


@dataclass(frozen=True, slots=True)
class NotDiscovered:
    """No answer; what was known stays. `detail` is for people and names no address or secret.

    `denied`: the directory did answer, and knows no such name. Told for a while, that may be believed
    (`Lookup.empty_after`); silence never is.
    """

    detail: str
    denied: bool = False


class ServiceDiscovery(Protocol):
    """A directory of instances."""

    async def resolve(self, lookup: Lookup, version: str = "") -> Discovered | NotDiscovered:
        """The instances; at once, or as soon as they are others than at `version`.

        A directory that is away is a result, not an exception.
        """
        ...
