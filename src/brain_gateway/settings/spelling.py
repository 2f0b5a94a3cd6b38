"""Variables that look like ours and are not: a typing error that would otherwise go unnoticed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from brain_gateway.settings.documentation import describe_settings

CLIENT_VARIABLES = frozenset(
    ("BRAIN_GATEWAY_URL", "BRAIN_GATEWAY_TOKEN", "BRAIN_GATEWAY_API_KEY", "BRAIN_GATEWAY_CA")
)
"""What the commands read that talk to a running gateway: no settings of a gateway."""
_PREFIXES = ("BRAIN_GATEWAY_", "JWT_", "JWKS_", "ACCESS_LOG_", "VAULT_", "SECRETS_")


def misspelt_variables(names: Iterable[str]) -> tuple[str, ...]:
    """One warning for each of `names` that carries one of our prefixes and is nearly the name of a setting.

    Far names stay unmentioned: Kubernetes adds variables such as BRAIN_GATEWAY_SERVICE_HOST by itself.
    """
    known = [about.variable for about in describe_settings()]
    found = []
    for name in sorted(set(names) - set(known) - CLIENT_VARIABLES):
        near = get_close_matches(name, known, n=1, cutoff=0.85)
        if near and name.startswith(_PREFIXES):
            found.append(f"{name}: is no setting and is ignored; did you mean {near[0]}?")
    return tuple(found)
