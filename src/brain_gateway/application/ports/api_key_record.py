"""What the gateway keeps of an API key: its hash, whose it is and how long it holds, never the key."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRecord:
    """One registered API key.

    `hash` is "sha256:" and 64 lower-case hexadecimal digits over the whole key; `prefix` is the key's first
    characters, for people to recognise it by; `expires_at` is in seconds since the epoch (infinite: never).
    """

    hash: str
    prefix: str
    tenant_id: str
    user_id: str
    roles: frozenset[str] = frozenset()
    expires_at: float = math.inf
