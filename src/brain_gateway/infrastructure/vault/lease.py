"""How long a Vault token holds, and when to do something about it. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from brain_gateway.domain.tenancy import Secret

_RENEW_AT = 2 / 3  # of its life: a third is left for an absent Vault to come back
_ENDING = 60.0  # seconds: a token with less life left that cannot be renewed is near its end


@dataclass(frozen=True, slots=True)
class Lease:
    """A token as Vault gave it: seconds of life from `since` (monotonic seconds); `ttl` inf: a root token."""

    token: Secret
    since: float
    ttl: float
    renewable: bool

    @classmethod
    def granted(cls, token: Secret, now: float, ttl: float, renewable: bool) -> Lease:
        """Vault says 0 for a token that never ends."""
        return cls(token, now, ttl or inf, renewable and ttl > 0)

    @property
    def renew_at(self) -> float:
        """When to renew it, or to get another one."""
        return self.since + self.ttl * _RENEW_AT

    def due(self, now: float) -> bool:
        """Whether it should be renewed by now."""
        return now >= self.renew_at

    def expired(self, now: float) -> bool:
        """Whether Vault refuses it by now."""
        return now >= self.since + self.ttl

    def left(self, now: float) -> float:
        """Seconds of life that are left."""
        return max(0.0, self.since + self.ttl - now)

    def ending(self, now: float) -> bool:
        """Whether it ends soon and nothing but another token helps."""
        return not self.renewable and self.left(now) < _ENDING

    def shortened(self, before: Lease) -> bool:
        """Whether this renewal of `before` gave it less than half of what it had: its greatest age is near."""
        return self.ttl < before.ttl / 2
