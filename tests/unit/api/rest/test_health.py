"""GET /health and its two small sisters."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from brain_gateway.api.rest.health import health_answers, health_router
from brain_gateway.application.gateway.health_report import HealthReport, ServiceHealth, TargetHealth
from brain_gateway.domain.routing.service_status import ServiceStatus

pytestmark = pytest.mark.anyio
SINCE, NOW = "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"


def target(name: str, healthy: bool | None, time: float | None = None) -> TargetHealth:
    detail = "status 200" if healthy else ""
    return TargetHealth(target=name, healthy=healthy, response_time_ms=time, checked_at=None, detail=detail)


def service(name: str, status: ServiceStatus, *targets: TargetHealth) -> ServiceHealth:
    return ServiceHealth(
        key=name,
        name=name,
        tenant_id=None,
        status=status,
        response_time_ms=12.5,
        since=SINCE,
        probed=True,
        targets=targets,
    )


def report(status: ServiceStatus, *services: ServiceHealth) -> HealthReport:
    return HealthReport(status=status, services=services, timestamp=NOW)


async def asked(
    path: str,
    found: HealthReport | None = None,
    breakers: dict[str, str] | None = None,
    unready: str | None = None,
    remark: str | None = None,
) -> httpx.Response:
    """What the endpoint answers."""
    app = FastAPI()
    states = breakers or {}
    answers = health_answers(
        lambda: found,
        lambda key, origin: states.get(f"{key} {origin}", "closed"),
        lambda: unready,
        lambda: remark,
    )
    app.include_router(health_router(answers))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gw.example") as client:
        return await client.get(path)


async def test_the_report_with_the_state_of_each_circuit():
    found = report(
        ServiceStatus.DEGRADED,
        service(
            "shop", ServiceStatus.DEGRADED, target("http://a:1", True, 12.5), target("http://b:1", False)
        ),
        service("crm", ServiceStatus.UNKNOWN, target("http://c:1", None)),
        service("empty", ServiceStatus.DOWN),
    )
    answer = await asked("/health", found, {"shop http://b:1": "open", "crm http://c:1": "half_open"})
    shown = answer.json()
    assert (answer.status_code, shown["status"], shown["timestamp"]) == (200, "degraded", NOW)
    assert shown["services"]["shop"] == {
        "status": "degraded", "response_time_ms": 12.5, "since": SINCE, "breaker": "open",
        "targets": [
            {"status": "healthy", "breaker": "closed", "response_time_ms": 12.5, "detail": "status 200"},
            {"status": "down", "breaker": "open", "response_time_ms": None, "detail": ""},
        ],
    }  # fmt: skip
    assert [shown["services"][name]["breaker"] for name in ("crm", "empty")] == ["half_open", "closed"]
    assert shown["services"]["crm"]["targets"][0]["status"] == "unknown"
    assert "http://" not in answer.text  # addresses are for operators


async def test_a_live_process_says_so():
    answer = await asked("/health/live", unready="draining")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


WAITS = "waiting for the database: it does not answer"


@pytest.mark.parametrize(
    ("unready", "status", "shown"),
    [
        (None, 200, {"status": "ready"}),
        ("draining", 503, {"status": "draining"}),
        (WAITS, 503, {"status": "waiting", "detail": WAITS}),
    ],
)
async def test_readiness_falls_and_says_why(unready, status, shown):
    answer = await asked("/health/ready", unready=unready)
    assert (answer.status_code, answer.json()) == (status, shown)


async def test_what_is_not_in_force_is_told_of_a_process_that_takes_traffic():
    answer = await asked("/health/ready", remark="one service")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "detail": "one service"})


async def test_the_document_says_what_is_answered():
    app = FastAPI()
    app.include_router(
        health_router(health_answers(lambda: None, lambda key, origin: "closed", lambda: None))
    )
    paths = app.openapi()["paths"]
    assert set(paths) == {"/health", "/health/live", "/health/ready"}
    shown = {
        path: paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        for path in paths
    }
    assert [reference.rpartition("/")[2] for reference in shown.values()] == ["Health", "Alive", "Ready"]
    assert "503" in paths["/health/ready"]["get"]["responses"]
    assert [one["get"]["operationId"] for one in paths.values()] == ["health", "live", "ready"]
