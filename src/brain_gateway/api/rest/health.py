"""GET /health, /health/live, /health/ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.application.gateway.health_report import HealthReport
from brain_gateway.application.gateway.health_report import ServiceHealth as Found

if TYPE_CHECKING:
    from fastapi import APIRouter

    from brain_gateway.api.front import Answer

Status = Literal["healthy", "degraded", "down", "unknown"]
Breaker = Literal["closed", "half_open", "open"]
_ORDER: tuple[Breaker, ...] = ("closed", "half_open", "open")


class TargetHealth(BaseModel):
    """One instance of a service. Addresses are for operators (metrics, logs), not for this page."""

    status: Status
    breaker: Breaker
    response_time_ms: float | None = Field(description="Of the last check; null while it does not answer.")
    detail: str = Field(description="What the last check found.", examples=["status 200"])


class ServiceHealth(BaseModel):
    """One service."""

    status: Status
    response_time_ms: float | None = Field(description="Mean over its healthy targets' last checks.")
    since: str = Field(description="When the status began, ISO 8601 in UTC.")
    breaker: Breaker = Field(description="The worst of its targets'.")
    targets: list[TargetHealth]


class Health(BaseModel):
    """All global services that are not internal, as the last checks found them; nobody is asked for this answer."""

    status: Status
    services: dict[str, ServiceHealth]
    timestamp: str


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether this instance takes traffic; if not, why. A `detail` of one that is ready is for its operator."""

    status: Literal["ready", "draining", "waiting"]
    detail: str | None = None


def health_answers(
    report: Callable[[], HealthReport],
    breaker: Callable[[str, str], Breaker],
    unready: Callable[[], str | None],
    remark: Callable[[], str | None] = lambda: None,
) -> dict[str, Answer]:
    """The endpoints by their paths. `breaker(service_key, origin)` is the state of a target's circuit; `unready()` says
    why no traffic is taken: "draining", or what is waited for; `remark()`: what the operator should know of one that
    takes it."""

    def health(request: Request) -> Response:
        found = report()
        services = {service.name: _service(service, breaker) for service in found.services}
        return _json(Health(status=found.status.value, services=services, timestamp=found.timestamp))

    def live(request: Request) -> Response:
        return _json(Alive())

    def ready(request: Request) -> Response:
        reason = unready()
        if reason is None:
            return _json(Ready(status="ready", detail=remark()))
        status: Literal["draining", "waiting"] = "draining" if reason == "draining" else "waiting"
        return _json(Ready(status=status, detail=None if status == "draining" else reason), 503)

    return {"/health": health, "/health/live": live, "/health/ready": ready}


def health_router(answers: Mapping[str, Answer]) -> APIRouter:
    """`health_answers`, documented."""
    # The answers do without the framework, and so does a gateway that is only watched.
    from fastapi import APIRouter

    from brain_gateway.api.own_route import OwnRoute

    router = APIRouter(tags=["health"], route_class=OwnRoute)
    unready: dict[int | str, dict[str, Any]] = {
        503: {"model": Ready, "description": "Draining, or waiting for secrets or the database."}
    }

    @router.get("/health", summary="Health of all services", operation_id="health", response_model=Health)
    async def health(request: Request) -> Response:
        return answers["/health"](request)

    @router.get("/health/live", summary="Liveness", operation_id="live", response_model=Alive)
    async def live(request: Request) -> Response:
        return answers["/health/live"](request)

    @router.get(
        "/health/ready", summary="Readiness", operation_id="ready", response_model=Ready, responses=unready
    )
    async def ready(request: Request) -> Response:
        return answers["/health/ready"](request)

    return router


def _json(document: BaseModel, status: int = 200) -> Response:
    text = document.model_dump_json(exclude_none=isinstance(document, Ready))
    return Response(text, status, media_type="application/json")


def _service(found: Found, breaker: Callable[[str, str], Breaker]) -> ServiceHealth:
    targets = [
        TargetHealth(
            status="unknown" if target.healthy is None else "healthy" if target.healthy else "down",
            breaker=breaker(found.key, target.target),
            response_time_ms=target.response_time_ms,
            detail=target.detail,
        )
        for target in found.targets
    ]
    return ServiceHealth(
        status=found.status.value,
        response_time_ms=found.response_time_ms,
        since=found.since,
        breaker=_worst(target.breaker for target in targets),
        targets=targets,
    )


def _worst(states: Iterable[Breaker]) -> Breaker:
    return max(states, key=_ORDER.index, default="closed")
