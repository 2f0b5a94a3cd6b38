"""Print docs/errors.md: every error that an answer can name, from the table that the gateway answers by.

Run by `make docs`; tests/house holds the page equal to what this prints.
"""

from __future__ import annotations

import inspect
import itertools
import textwrap

from brain_gateway.api.problems import PROBLEMS, fault_of, headers_of, problem_of, slug
from brain_gateway.domain import errors
from brain_gateway.domain.errors import GatewayError

INTRODUCTION = """\
# Errors

Every error that the gateway itself answers is a problem document (RFC 9457), `application/problem+json`:

```json
{
  "type": "urn:brain-gateway:problem:rate-limit-exceeded",
  "title": "Rate limit exceeded",
  "status": 429,
  "detail": "try again in 17 s",
  "fault": "caller",
  "request_id": "5f0c1a9be2f04b0c8d6a7d1c3f9e2b41"
}
```

`type` ends in the heading of the error on this page. `fault` says who can mend it: the `caller`, the `gateway`, or
the service behind it (`upstream`). `detail` is written for the caller; it never carries an exception's text, a token,
a key, or an address behind the gateway. `request_id` is in the access log too, where refusals and failures are always
written.

What a service answers itself passes as it is, errors too: an answer without one of these types is the service's own.

This page is made by `make docs`; a test keeps it complete.
"""

FAULTS = {
    "caller": "Change the request and try again.",
    "gateway": "The gateway is at fault, or unwilling for now.",
    "upstream": "The service behind the gateway is at fault, or cannot be reached.",
}

NOTES: dict[type[GatewayError], str] = {
    errors.MalformedRequest: (
        "Grammar is kept to the letter, because a message that two servers read in two ways can be used "
        "to smuggle another one: Content-Length together with Transfer-Encoding, a coding other than "
        "`chunked`, two lengths, folded lines, a bare LF, NUL, a space before the colon, no Host or two; "
        "and paths with `.` or `..` segments, backslashes, broken escapes, encoded NULs. When the head "
        "cannot be trusted, the connection is closed after the answer. `detail` names the fault."
    ),
    errors.CredentialsMissing: (
        "Only a service's public routes take callers without credentials. `X-Tenant-ID` alone is none."
    ),
    errors.CredentialsInvalid: (
        "`detail` says what does not hold: the signature, the algorithm, the key, the issuer, the "
        "audience, a claim, the API key. A token and an API key that come together must be the same one."
    ),
    errors.CredentialsExpired: "Clocks may differ by JWT_LEEWAY. API keys expire by their `expires_at`.",
    errors.RoleRequired: "`detail` lists the roles of the service or the route; one of each list is needed.",
    errors.ServiceNotFound: (
        "The same answer for a service that does not exist, one that is not exposed, and one that "
        "belongs to another tenant: it tells nothing of other tenants."
    ),
    errors.RouteNotFound: "Only for services with `strict: true`.",
    errors.MethodNotAllowed: "Only for services with `strict: true`, and for the gateway's own endpoints.",
    errors.RequestTimeout: (
        "A head must be whole within HEADER_TIMEOUT, and a body may pause for BODY_TIMEOUT at most. The "
        "connection is closed."
    ),
    errors.Conflict: (
        "Two routes that match the same requests, for one; a configuration file with such never loads."
    ),
    errors.BodyTooLarge: (
        "The bound is the service's `max_body`; one that is passed while the body comes ends the upload."
    ),
    errors.TargetTooLong: "The bound is MAX_TARGET_BYTES.",
    errors.UpgradeRefused: "The service has `websocket: false`.",
    errors.RateLimitExceeded: (
        "With `Retry-After`, `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). "
        "Limits count per tenant and service, for anonymous callers per address and service. Also the "
        "bound on WebSocket connections at a time (MAX_TUNNELS)."
    ),
    errors.HeadersTooLarge: "The bounds are MAX_HEADER_BYTES and MAX_HEADER_COUNT. The connection is closed.",
    errors.InternalError: "Its cause is in the gateway's log.",
    errors.SecretsUnavailable: (
        "`detail` says whether Vault is sealed, away or refuses the gateway, or what is the matter with the "
        "secrets file, and names the variable to look at; never a secret. Requests to services go on, but while a "
        "gateway that has just started waits for secrets of its own: then each of them gets this answer."
    ),
    errors.LimitsUnavailable: (
        "The store of REDIS_URL is away and LIMITS_WITHOUT_STORE is `refuse`, or the limit is smaller than the number "
        "of processes that would have to divide it. With `Retry-After`; requests pass as soon as the store is back."
    ),
    errors.IdentityUnavailable: (
        "The issuer's key set (JWT_JWKS_URL) has not been obtained, or is too old; or JWT_SECRET is in the secrets "
        "store and could not be read yet. Callers whose tokens were verified before go on until these expire."
    ),
    errors.UpstreamProtocolError: (
        "No status line of HTTP/1.1, a header beyond its bound, two lengths, broken chunks, a switch of "
        "protocols that nobody asked for. Once the answer has begun, the client's connection is closed "
        "instead, so that a short body is never taken for a whole one."
    ),
    errors.UpstreamClosed: "It is retried where that is safe (see docs/configuration.md, `retry`).",
    errors.UpstreamUnreachable: (
        "Every attempt that the retry policy allows found no connection. With `Retry-After`."
    ),
    errors.NoHealthyTarget: "Every target of the service is drained (weight 0). With `Retry-After`.",
    errors.CircuitOpen: "`Retry-After` says when the next request is let through as a trial.",
    errors.UpstreamTimeout: "The bounds are the service's `timeouts`: connect, response, idle, total.",
}


def page() -> str:
    """The whole page."""
    return "\n".join((INTRODUCTION, _overview(), *map(_section, FAULTS)))


def _of(fault: str) -> list[type[GatewayError]]:
    return sorted(
        (kind for kind in PROBLEMS if fault_of(kind()) == fault), key=lambda kind: PROBLEMS[kind].status
    )


def _overview() -> str:
    rows = ["| status | type | fault |", "|--:|---|---|"]
    for kind in itertools.chain.from_iterable(map(_of, FAULTS)):
        name = slug(kind)
        rows.append(f"| {PROBLEMS[kind].status} | [{name}](#{name}) | {fault_of(kind())} |")
    return "\n".join((*rows, ""))


def _section(fault: str) -> str:
    return "\n".join((f"## Fault of the {fault}\n", FAULTS[fault], "", *map(_entry, _of(fault))))


def _entry(kind: type[GatewayError]) -> str:
    problem = problem_of(kind())
    headers = "".join(f" Header: `{name}: {value}`." for name, value in headers_of(kind()))
    note = f"\n{_wrapped(NOTES[kind])}\n" if kind in NOTES else ""
    return "\n".join(
        (
            f"### {slug(kind)}\n",
            _wrapped(f"**{problem.status} {problem.title}.** {inspect.getdoc(kind)}{headers}"),
            note,
            f"What to do: {problem.advice}.\n",
        )
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 115, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    print(page(), end="")
