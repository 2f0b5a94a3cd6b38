"""How what the gateway itself needs is, for a super_admin."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class SecretsHealthAnswer(BaseModel):
    """How the store of secrets is."""

    status: Literal["ok", "degraded", "sealed", "unreachable", "unknown"]
    detail: str | None = None


class ConfigurationHealthAnswer(BaseModel):
    """What is in force in the process that answers."""

    version: int
    unfit: dict[str, str] = Field(
        {}, description="Services that are not in force as they are stored, and why."
    )


class GatewayHealthAnswer(BaseModel):
    """How what the gateway itself needs is."""

    configuration: ConfigurationHealthAnswer | None = None
    secrets: SecretsHealthAnswer | None = None
