"""What is known of each name that is looked up."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from brain_gateway.application.gateway.health_schedule import UNSCHEDULED
from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered
from brain_gateway.domain.routing.discovery import Instance, Lookup


@dataclass(frozen=True, slots=True)
class DiscoveryStatus:
    """For people: what one service's look-up found. Times in seconds since the epoch.

    targets: origins in use. answered_at: of the last answer (None: none yet). next_at: of the next question (None:
    one is under way). error: why the last one failed, "" when it did not.
    """

    service: str
    tenant_id: str | None
    lookup: Lookup
    targets: tuple[str, ...]
    answered_at: float | None
    next_at: float | None
    error: str


class WatchedLookup:
    """One question, for all `services` (by key) that ask it.

    `due` (of the next question), `started` (of the last), `denied_since`: monotonic seconds. `answered_at`: seconds
    since the epoch. `instances`: None until something was found, and again once a denial is believed. `failures` in a
    row. `question`: the task that asks. `watched`: false once dropped.
    """

    __slots__ = (
        "answered_at",
        "denied_since",
        "due",
        "error",
        "failures",
        "instances",
        "lookup",
        "question",
        "running",
        "services",
        "started",
        "version",
        "watched",
    )

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.services: set[str] = set()
        self.instances: frozenset[Instance] | None = None
        self.version = ""
        self.error = ""
        self.failures = 0
        self.answered_at: float | None = None
        self.denied_since: float | None = None
        self.started = -math.inf
        self.due = UNSCHEDULED
        self.question: asyncio.Task[None] | None = None
        self.running = False
        self.watched = True

    def take(self, answer: Discovered | NotDiscovered, now: float, unix: float) -> bool:
        """Take what a question brought; True when the instances are others than before."""
        if isinstance(answer, NotDiscovered):
            return self._failed(answer, now)
        self.failures, self.error, self.denied_since = 0, "", None
        self.version, self.answered_at = answer.version, unix
        return self._replace(frozenset(answer.instances))

    def drop(self) -> None:
        """Nobody asks any more, and a question under way need not end."""
        self.watched = False
        if self.question is not None:
            self.question.cancel()

    def delay(self, answer: Discovered | NotDiscovered, entropy: float) -> float:
        """Seconds until the next question, after this answer."""
        if isinstance(answer, Discovered):
            return self.lookup.renewal(answer.valid_for, entropy)
        return self.lookup.retry(self.failures, entropy)

    def _failed(self, answer: NotDiscovered, now: float) -> bool:
        """What was known stays, until the name has been denied for so long that it may be somebody else's."""
        self.failures += 1
        self.error, self.version = answer.detail, ""
        if not answer.denied:
            self.denied_since = None
        elif self.denied_since is None:
            self.denied_since = now
        patience = self.lookup.empty_after
        if not patience or not self.instances or self.denied_since is None:
            return False
        return now - self.denied_since >= patience and self._replace(None)

    def _replace(self, instances: frozenset[Instance] | None) -> bool:
        changed = instances != self.instances
        self.instances = instances
        return changed
