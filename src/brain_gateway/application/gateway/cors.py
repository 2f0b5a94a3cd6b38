"""Cross-origin policy per service (Fetch standard, CORS protocol): preflights answered here, answers marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.gateway.exchange import Reply
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of

if TYPE_CHECKING:
    from brain_gateway.application.gateway.routing_table import RoutingTable
    from brain_gateway.domain.http.requests import Request
    from brain_gateway.domain.routing.service_route import CorsPolicy


def preflight(table: RoutingTable, head: Request) -> Reply | None:
    """The answer to a preflight for a service with a policy; None when it is not one (it travels on)."""
    if head.method != b"OPTIONS" or fields.PREFLIGHT not in head.special or fields.ORIGIN not in head.special:
        return None
    entry = table.find(head.line.service, None)
    if entry is None or not entry.proxied or entry.service.cors is None:
        return None
    policy = entry.service.cors
    origin = value_of(head.special[fields.ORIGIN])
    if not _allowed(policy, origin):
        return Reply(403, (("Vary", "Origin"), ("Content-Length", "0")), entry)
    headers = [
        *_origin_headers(policy, origin),
        ("Access-Control-Allow-Methods", ", ".join(sorted(policy.methods))),
        ("Access-Control-Max-Age", str(int(policy.max_age))),
    ]
    if policy.headers:
        headers.append(("Access-Control-Allow-Headers", ", ".join(sorted(policy.headers))))
    return Reply(204, tuple(headers), entry)


def response_lines(policy: CorsPolicy, head: Request) -> list[bytes]:
    """The lines that an answer to a cross-origin request carries; the service's own are dropped."""
    line = head.special.get(fields.ORIGIN)
    if line is None:
        return [b"Vary: Origin"]
    origin = value_of(line)
    if not _allowed(policy, origin):
        return [b"Vary: Origin"]
    headers = _origin_headers(policy, origin)
    if policy.expose:
        headers.append(("Access-Control-Expose-Headers", ", ".join(sorted(policy.expose))))
    return [f"{name}: {value}".encode("latin-1") for name, value in headers]


def _allowed(policy: CorsPolicy, origin: bytes) -> bool:
    return "*" in policy.origins or origin.decode("latin-1") in policy.origins


def _origin_headers(policy: CorsPolicy, origin: bytes) -> list[tuple[str, str]]:
    """The origin itself, or `*` where no credentials are allowed: the two never go together."""
    if "*" in policy.origins and not policy.credentials:
        return [("Access-Control-Allow-Origin", "*")]
    headers = [("Access-Control-Allow-Origin", origin.decode("latin-1")), ("Vary", "Origin")]
    if policy.credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers
