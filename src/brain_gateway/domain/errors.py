"""Every error of the gateway, drawn as one tree.

GatewayError
├── CallerError                  the request is at fault: change it and try again
│   ├── MalformedRequest             400  breaks the grammar of RFC 9110/9112, or could be read in two ways
│   ├── Unauthenticated              401
│   │   ├── CredentialsMissing
│   │   ├── CredentialsInvalid       bad signature, unknown key, wrong issuer or audience, revoked
│   │   └── CredentialsExpired
│   ├── Forbidden                    403
│   │   ├── TenantMismatch           X-Tenant-ID disagrees with the token
│   │   ├── TenantSuspended          the caller's tenant is suspended or gone
│   │   └── RoleRequired
│   ├── NotFound                     404
│   │   ├── ServiceNotFound          no such service for this caller (says nothing of other tenants)
│   │   ├── RouteNotFound
│   │   ├── ResourceNotFound         no such tenant, key, service ... in the control plane, for this caller
│   │   └── SecretNotFound           nothing is stored under this tenant and name
│   ├── MethodNotAllowed             405
│   ├── RequestTimeout               408  head or body came too slowly
│   ├── Conflict                     409
│   ├── PreconditionFailed           412  the resource has changed since it was read (If-Match)
│   ├── BodyTooLarge                 413
│   ├── TargetTooLong                414
│   ├── ExpectationFailed            417
│   ├── UnsupportedMediaType         415  a body of another type than the endpoint takes
│   ├── InvalidDocument              422  JSON, but not what is asked for; lists every fault
│   ├── UpgradeRefused               426
│   ├── RateLimitExceeded            429
│   ├── HeadersTooLarge              431
│   ├── NotImplementedByGateway      501  an upgrade, behind a foreign ASGI server
│   ├── NotCached                    504  only-if-cached, and nothing stored that may be used
│   └── VersionNotSupported          505
├── GatewayFault                 the gateway is at fault or unwilling for now
│   ├── InternalError                500
│   ├── StoreUnavailable             503  the database is away, or nothing was loaded from it yet
│   ├── SecretsUnavailable           503  Vault is away or sealed, the secrets file cannot be opened or written
│   ├── LimitsUnavailable            503  limits are shared, their store is away, and nothing passes uncounted
│   └── IdentityUnavailable          503  the token's keys cannot be fetched
├── UpstreamFault                the service behind the gateway is at fault
│   ├── UpstreamProtocolError        502  it answered, but not in HTTP
│   ├── UpstreamClosed               502  it closed before it answered
│   ├── UpstreamUnreachable          503  no connection to any target
│   ├── NoHealthyTarget              503
│   ├── CircuitOpen                  503
│   └── UpstreamTimeout              504
└── ConfigurationError           a setting or a file is wrong: the server does not start

`api/problems.py` maps each leaf to its problem document (RFC 9457); a test holds the map complete.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Root of the tree. `detail` is safe to show to the caller: it never carries another exception's text."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class CallerError(GatewayError):
    """The request is at fault."""


class GatewayFault(GatewayError):
    """The gateway is at fault, or unwilling for now."""


class UpstreamFault(GatewayError):
    """The service behind the gateway is at fault."""


class ConfigurationError(GatewayError):
    """A setting or a configuration file is wrong; `faults` lists every fault found, one line each."""

    def __init__(self, detail: str = "", faults: tuple[str, ...] = ()) -> None:
        super().__init__(detail or "\n".join(faults))
        self.faults = faults or (detail,)


class MalformedRequest(CallerError):
    """The message breaks RFC 9110/9112, or could be read in two ways."""


class Unauthenticated(CallerError):
    """Nobody is known to be asking."""


class CredentialsMissing(Unauthenticated):
    """No token and no API key."""


class CredentialsInvalid(Unauthenticated):
    """The token or key does not verify."""


class CredentialsExpired(Unauthenticated):
    """The token verifies but its time is over."""


class Forbidden(CallerError):
    """The caller is known and may not."""


class TenantMismatch(Forbidden):
    """X-Tenant-ID disagrees with the token."""


class TenantSuspended(Forbidden):
    """The caller's tenant is suspended, or has been deleted."""


class RoleRequired(Forbidden):
    """None of the roles that the service asks for."""


class NotFound(CallerError):
    """Nothing is offered to this caller under that name."""


class ServiceNotFound(NotFound):
    """No such service for this caller."""


class RouteNotFound(NotFound):
    """The service is strict and has no such route."""


class ResourceNotFound(NotFound):
    """The control plane has no such resource for this caller."""


class SecretNotFound(NotFound):
    """No secret is stored under that name for this tenant."""


class MethodNotAllowed(CallerError):
    """The route exists, for other methods."""


class RequestTimeout(CallerError):
    """The head or the body came too slowly."""


class Conflict(CallerError):
    """The change disagrees with what is registered."""


class PreconditionFailed(CallerError):
    """The resource has another version by now than the one that the change is based on."""


class BodyTooLarge(CallerError):
    """The body is longer than the service takes."""


class TargetTooLong(CallerError):
    """The request target is longer than the gateway takes."""


class ExpectationFailed(CallerError):
    """An expectation other than 100-continue."""


class UnsupportedMediaType(CallerError):
    """The body is of a media type that the endpoint does not take."""


class InvalidDocument(CallerError):
    """The document can be read and is not acceptable; `faults` lists every fault found, one line each, up to
    a hundred."""

    MOST = 100

    def __init__(self, detail: str = "", faults: tuple[str, ...] = ()) -> None:
        if len(faults) > self.MOST:
            faults = (*faults[: self.MOST], "and more: these are the first")
        super().__init__(detail or "; ".join(faults))
        self.faults = faults or ((detail,) if detail else ())


class UpgradeRefused(CallerError):
    """The service takes no such upgrade."""


class RateLimitExceeded(CallerError):
    """The caller's share of this window is used up."""


class HeadersTooLarge(CallerError):
    """The head is longer, or has more fields, than the gateway takes."""


class NotImplementedByGateway(CallerError):
    """What cannot be done behind a foreign ASGI server: upgrades."""


class NotCached(CallerError):
    """The caller wants a stored answer or none (only-if-cached), and none is stored that may be used."""


class VersionNotSupported(CallerError):
    """Not HTTP/1.0 or HTTP/1.1."""


class InternalError(GatewayFault):
    """A fault of the gateway itself."""


class StoreUnavailable(GatewayFault):
    """The database cannot be reached, or the configuration was not loaded from it yet."""


class SecretsUnavailable(GatewayFault):
    """Secrets can neither be read nor written now: Vault is away or sealed, or the secrets file cannot be used."""

    def __init__(self, detail: str = "", *, refused: bool = False) -> None:
        """`refused`: the store is there and will not; waiting does not help, somebody must mend something."""
        super().__init__(detail)
        self.refused = refused


class LimitsUnavailable(GatewayFault):
    """The store that counts the limits of several processes cannot be asked now."""


class IdentityUnavailable(GatewayFault):
    """The keys that verify the token cannot be fetched now."""


class UpstreamProtocolError(UpstreamFault):
    """The service answered something that is not HTTP."""


class UpstreamClosed(UpstreamFault):
    """The service closed the connection before it answered."""


class UpstreamUnreachable(UpstreamFault):
    """No connection to any target could be made."""


class NoHealthyTarget(UpstreamFault):
    """Every target is marked down."""


class CircuitOpen(UpstreamFault):
    """The circuit breaker is open."""


class UpstreamTimeout(UpstreamFault):
    """The service did not answer within its time."""
