"""Health from results: when a target counts as up or down, and what that makes of its service."""

from __future__ import annotations

from collections.abc import Sequence

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.service_status import ServiceStatus


class HealthTracker:
    """Health of one target. `healthy` is None until the first result, which decides at once.

    After that it takes `unhealthy_after` failures in a row to go down and `healthy_after` successes in a
    row to come back, so that one lost packet moves nothing. Raises ConfigurationError for thresholds below
    1.
    """

    __slots__ = ("_against", "_healthy_after", "_unhealthy_after", "healthy")

    def __init__(self, healthy_after: int, unhealthy_after: int) -> None:
        if healthy_after < 1 or unhealthy_after < 1:
            raise ConfigurationError("probe: healthy_after and unhealthy_after must be at least 1")
        self._healthy_after = healthy_after
        self._unhealthy_after = unhealthy_after
        self._against = 0  # results in a row that contradict `healthy`
        self.healthy: bool | None = None

    def record(self, ok: bool) -> bool:
        """Takes one result; True when `healthy` changed."""
        if ok is self.healthy:
            self._against = 0
            return False
        self._against += 1
        needed = self._healthy_after if ok else self._unhealthy_after
        if self.healthy is not None and self._against < needed:
            return False
        self.healthy = ok
        self._against = 0
        return True


def service_status(targets: Sequence[bool | None]) -> ServiceStatus:
    """The status of a service from the health of its targets that are not drained (None: no result yet).

    All healthy: HEALTHY. Some: DEGRADED. None healthy, but some without a result: UNKNOWN, they may be tried.
    None healthy, or no target at all: DOWN.
    """
    healthy = sum(1 for target in targets if target)
    if healthy:
        return ServiceStatus.HEALTHY if healthy == len(targets) else ServiceStatus.DEGRADED
    return ServiceStatus.UNKNOWN if None in targets else ServiceStatus.DOWN


def jittered(interval: float, entropy: float) -> float:
    """`interval` seconds times 0.8 to 1.2, by entropy in [0, 1), so that probes of many processes spread
    out.
    """
    return interval * (0.8 + 0.4 * entropy)
