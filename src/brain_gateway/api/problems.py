"""The one table from errors to answers: problem documents (RFC 9457).

`type` is a URN whose last part is the heading of the error in docs/errors.md; `fault` says whose it is. A body never
carries an exception's text: `detail` is the error's own, which is written for the caller, or the table's.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from brain_gateway.domain import errors
from brain_gateway.domain.errors import CallerError, GatewayError, GatewayFault

ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
MEDIA_TYPE = "application/problem+json"


class Problem(NamedTuple):
    """What is always the same about one kind of error."""

    status: int
    title: str
    advice: str


PROBLEMS: dict[type[GatewayError], Problem] = {
    errors.MalformedRequest: Problem(400, "Malformed request", "send a request that keeps to RFC 9112"),
    errors.CredentialsMissing: Problem(401, "Credentials missing", "send a token or an API key"),
    errors.CredentialsInvalid: Problem(401, "Credentials invalid", "get a new token, or check the API key"),
    errors.CredentialsExpired: Problem(401, "Credentials expired", "get a new token"),
    errors.TenantMismatch: Problem(
        403, "Tenant mismatch", "leave X-Tenant-ID out: the token names the tenant"
    ),
    errors.TenantSuspended: Problem(403, "Tenant suspended", "ask the platform's administrators"),
    errors.RoleRequired: Problem(403, "Role required", "ask your administrator for the role"),
    errors.ServiceNotFound: Problem(
        404, "Service not found", "check the first segment of the path: GET /health names the services"
    ),
    errors.RouteNotFound: Problem(404, "Route not found", "ask for one of the service's listed routes"),
    errors.ResourceNotFound: Problem(404, "Resource not found", "check the id; list what there is"),
    errors.SecretNotFound: Problem(404, "Secret not found", "store it first, or check tenant and name"),
    errors.MethodNotAllowed: Problem(405, "Method not allowed", "use one of the methods in the Allow header"),
    errors.RequestTimeout: Problem(408, "Request timeout", "send the whole request more quickly"),
    errors.Conflict: Problem(409, "Conflict", "read what is registered now, and change that"),
    errors.PreconditionFailed: Problem(
        412, "Precondition failed", "read the resource again, and change what it is now"
    ),
    errors.BodyTooLarge: Problem(413, "Body too large", "send a smaller body"),
    errors.TargetTooLong: Problem(414, "Target too long", "send a shorter path and query"),
    errors.UnsupportedMediaType: Problem(
        415, "Unsupported media type", "send the media type that `detail` names"
    ),
    errors.ExpectationFailed: Problem(417, "Expectation failed", "expect nothing, or 100-continue"),
    errors.InvalidDocument: Problem(422, "Invalid document", "mend every fault that `errors` lists"),
    errors.UpgradeRefused: Problem(426, "Upgrade refused", "ask without an upgrade"),
    errors.RateLimitExceeded: Problem(429, "Rate limit exceeded", "wait as long as Retry-After says"),
    errors.HeadersTooLarge: Problem(431, "Headers too large", "send fewer or shorter headers"),
    errors.NotImplementedByGateway: Problem(
        501, "Not implemented", "ask without an upgrade, or at the gateway's own server"
    ),
    errors.NotCached: Problem(504, "Not cached", "leave only-if-cached out of Cache-Control"),
    errors.VersionNotSupported: Problem(505, "Version not supported", "speak HTTP/1.1"),
    errors.InternalError: Problem(500, "Internal error", "try again; report the request id if it persists"),
    errors.StoreUnavailable: Problem(
        503, "Store unavailable", "try again: the gateway's database cannot be reached now"
    ),
    errors.SecretsUnavailable: Problem(
        503, "Secrets unavailable", "try again; its operator finds the cause in the gateway's log"
    ),
    errors.LimitsUnavailable: Problem(503, "Limits unavailable", "try again as Retry-After says"),
    errors.IdentityUnavailable: Problem(
        503, "Identity unavailable", "try again: the token's keys cannot be had now"
    ),
    errors.UpstreamProtocolError: Problem(
        502, "Upstream protocol error", "report it to the service's owners"
    ),
    errors.UpstreamClosed: Problem(502, "Upstream closed", "try again if the request may be repeated"),
    errors.UpstreamUnreachable: Problem(503, "Upstream unreachable", "try again later"),
    errors.NoHealthyTarget: Problem(503, "No healthy target", "try again as Retry-After says"),
    errors.CircuitOpen: Problem(503, "Circuit open", "try again as Retry-After says"),
    errors.UpstreamTimeout: Problem(504, "Upstream timeout", "try again if the request may be repeated"),
}


_SOON_BACK = (errors.StoreUnavailable, errors.SecretsUnavailable, errors.IdentityUnavailable)


def problem_of(error: GatewayError) -> Problem:
    """The table's row; an error that is no leaf of the tree is an internal one."""
    return PROBLEMS.get(type(error), PROBLEMS[errors.InternalError])


def slug(error: type[GatewayError]) -> str:
    """The error's name as docs/errors.md spells it: `RateLimitExceeded` -> `rate-limit-exceeded`."""
    return "".join("-" + c.lower() if c.isupper() else c for c in error.__name__).lstrip("-")


def fault_of(error: GatewayError) -> str:
    """Whose fault it is."""
    if isinstance(error, CallerError):
        return "caller"
    return "gateway" if isinstance(error, GatewayFault) else "upstream"


def document(error: GatewayError, request_id: str = "") -> bytes:
    """The problem document as JSON."""
    return orjson.dumps(members(error, request_id))


def members(error: GatewayError, request_id: str = "") -> dict[str, str | int | list[str]]:
    """The problem document as values; an error that is no leaf of the tree shows nothing of itself.

    `errors` lists the faults of a document one by one.
    """
    if type(error) not in PROBLEMS:
        error = errors.InternalError()
    problem = problem_of(error)
    values: dict[str, str | int | list[str]] = {
        "type": "urn:brain-gateway:problem:" + slug(type(error)),
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail or problem.advice,
        "fault": fault_of(error),
    }
    if isinstance(error, errors.InvalidDocument) and error.detail:
        values["errors"] = list(error.faults)
    return values | {"request_id": request_id} if request_id else values


def headers_of(error: GatewayError) -> tuple[tuple[str, str], ...]:
    """What the status asks for beside the document (RFC 9110 section 11.6.1, 15.5.22, 10.2.3; RFC 6750 section 3)."""
    if isinstance(error, errors.CredentialsMissing):
        return (("WWW-Authenticate", 'Bearer realm="brain-gateway"'),)
    if isinstance(error, errors.Unauthenticated):
        return (("WWW-Authenticate", 'Bearer realm="brain-gateway", error="invalid_token"'),)
    if isinstance(error, errors.MethodNotAllowed):
        return (("Allow", ALLOWED),)
    if isinstance(error, errors.UpgradeRefused):
        return (("Upgrade", "HTTP/1.1"),)
    if isinstance(error, _SOON_BACK):
        return (("Retry-After", "1"),)
    return ()
