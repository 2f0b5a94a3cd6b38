"""A route: what is asked for, and which rules hold there."""

from __future__ import annotations

from dataclasses import dataclass, field

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.http_method import is_method
from brain_gateway.domain.routing.policies import CachePolicy
from brain_gateway.domain.routing.route_pattern import RoutePattern


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern and its methods (none: every method) within a service.

    public: no caller need be known. roles: one of these is needed (none: no more than the service asks for).
    limit: this route's own. cache: how answers to GET are kept (none: not at all).
    id: "GET,POST /campaigns/{id:int}" or "* /campaigns", stable across restarts.
    Raises ConfigurationError.
    """

    pattern: RoutePattern
    methods: frozenset[str] = frozenset()
    public: bool = False
    roles: frozenset[str] = frozenset()
    limit: RateLimit | None = None
    cache: CachePolicy | None = None
    id: str = field(init=False, compare=False, default="")

    def __post_init__(self) -> None:
        for method in self.methods:
            if not is_method(method):
                raise ConfigurationError(f'route "{self.pattern}": "{method}" is not an HTTP method')
        if self.public and self.roles:
            raise ConfigurationError(f'route "{self.pattern}": a public route cannot ask for roles; drop one')
        object.__setattr__(self, "id", f"{','.join(sorted(self.methods)) or '*'} {self.pattern}")

    def shares_a_method(self, other: Route) -> bool:
        """Whether some method belongs to both."""
        return not self.methods or not other.methods or not self.methods.isdisjoint(other.methods)
