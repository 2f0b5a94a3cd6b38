"""What a service is and how it is."""

from __future__ import annotations

from enum import StrEnum


class ServiceKind(StrEnum):
    """What a service is for; AI services have limits of their own, internal ones stay out of /health."""

    AI = "ai"
    BACKEND = "backend"
    INFRASTRUCTURE = "infrastructure"
    INTERNAL = "internal"


class ServiceStatus(StrEnum):
    """How a service is: UNKNOWN until a probe or a request has told."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
