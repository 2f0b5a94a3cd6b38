"""How much a caller may ask for: the limit as a value, and the four classes of limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.tenancy import Role

MIN_WINDOW = 0.001  # seconds; shorter windows drown in the resolution of clocks
ADMIN_ROLES = frozenset({Role.SUPER_ADMIN.value, Role.TENANT_ADMIN.value})


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` in any `window` seconds; with `burst`, at most that many at once and the rest evenly spaced.

    Raises ConfigurationError.
    """

    requests: int
    window: float
    burst: int | None = None

    def __post_init__(self) -> None:
        if self.requests < 1:
            raise ConfigurationError(f"limit: requests must be at least 1, not {self.requests}")
        if not isfinite(self.window) or self.window < MIN_WINDOW:
            raise ConfigurationError(
                f"limit: window must be at least {MIN_WINDOW} seconds, not {self.window}"
            )
        if self.burst is not None and not 1 <= self.burst <= self.requests:
            raise ConfigurationError(f"limit: burst must be within 1..{self.requests}, not {self.burst}")


class LimitClass(StrEnum):
    """Which of the four limits holds when neither route nor service brings its own."""

    DEFAULT = "default"
    AGENTS = "agents"
    ADMIN = "admin"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class LimitClasses:
    """The limit of each class, per tenant and service (public: per client address and service)."""

    default: RateLimit = RateLimit(100, 60.0)
    agents: RateLimit = RateLimit(10, 60.0)
    admin: RateLimit = RateLimit(1000, 60.0)
    public: RateLimit = RateLimit(30, 60.0)

    def pick(self, kind: str, roles: Iterable[str], anonymous: bool) -> tuple[LimitClass, RateLimit]:
        """The class of a call: nobody is public, a call to an AI service is an agent's, then
        administrators.
        """
        if anonymous:
            return LimitClass.PUBLIC, self.public
        if kind == "ai":
            return LimitClass.AGENTS, self.agents
        if not ADMIN_ROLES.isdisjoint(roles):
            return LimitClass.ADMIN, self.admin
        return LimitClass.DEFAULT, self.default
