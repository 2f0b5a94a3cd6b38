"""What the secret is called that holds the credentials of a tenant's integration: another name for each new set, so
that new ones never take the place of old ones before these are out of use.
"""

from __future__ import annotations

import re
from typing import Final

from brain_gateway.domain.integrations.integration import INTEGRATION_NAME

PREFIX: Final = "integration."
ENTROPY: Final = 8
"""Bytes that tell the sets of one second apart."""

_NAME = re.compile(rf"{re.escape(PREFIX)}{INTEGRATION_NAME}\.([0-9a-f]{{1,12}})-[0-9a-f]{{16}}", re.ASCII)


def credential_secret(integration_name: str, now: float, entropy: bytes) -> str:
    """A name that no set had before: `integration.stripe.` and when it was made (`now`, unix seconds)."""
    return f"{PREFIX}{integration_name}.{int(now):x}-{entropy[:ENTROPY].hex()}"


def made_at(name: str) -> float | None:
    """When a set of credentials was named so (unix seconds); None for the name of another secret."""
    found = _NAME.fullmatch(name)
    return float(int(found[1], 16)) if found else None
