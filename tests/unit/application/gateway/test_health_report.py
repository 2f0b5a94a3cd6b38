"""What single states make together."""

from __future__ import annotations

import pytest

from brain_gateway.application.gateway.health_report import ServiceHealth, iso, overall
from brain_gateway.domain.routing.service_status import ServiceStatus


def part(status: str, probed: bool = True) -> ServiceHealth:
    return ServiceHealth(
        key="s",
        name="s",
        tenant_id=None,
        status=ServiceStatus(status),
        response_time_ms=None,
        since="",
        probed=probed,
        targets=(),
    )


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ([], "healthy"),
        (["healthy"], "healthy"),
        (["healthy", "healthy"], "healthy"),
        (["healthy", "down"], "degraded"),
        (["healthy", "degraded"], "degraded"),
        (["degraded"], "degraded"),
        (["down", "down"], "down"),
        (["unknown"], "degraded"),
        (["healthy", "unknown"], "degraded"),
        (["down", "unknown"], "degraded"),
    ],
)
def test_overall(states, together):
    assert overall([part(state) for state in states]) == together


def test_services_without_a_probe_have_no_voice():
    assert overall([part("healthy"), part("unknown", probed=False)]) == "healthy"


def test_times_are_utc():
    assert iso(0.0015) == "1970-01-01T00:00:00.001Z" or iso(0.0015) == "1970-01-01T00:00:00.002Z"
