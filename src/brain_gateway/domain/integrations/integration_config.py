"""The aggregate: one integration as one tenant has set it up. Credentials are not in it, only their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from brain_gateway.domain.errors import Conflict, CredentialsInvalid, InvalidDocument
from brain_gateway.domain.events import (
    DomainEvent,
    IntegrationActivated,
    IntegrationCredentialsChanged,
    IntegrationDeactivated,
    IntegrationHealthChanged,
    IntegrationUpdated,
)
from brain_gateway.domain.integrations.integration import (
    DEFAULT_RATE_LIMIT,
    DEFAULT_RETRIES,
    Integration,
    IntegrationCategory,
)
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.resilience.retry import MAX_ATTEMPTS, RetryPolicy
from brain_gateway.domain.routing.service_status import ServiceStatus
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret, tenant_id

MAX_RETRIES: Final = MAX_ATTEMPTS - 1
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CredentialsRecord:
    """What is known of credentials without having them: the variant that they are for, the fields that are
    set, when they came (unix seconds), and the secret that holds them (empty: none does, or not yet).
    """

    variant: str
    fields: frozenset[str]
    changed_at: float
    secret: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class IntegrationConfig:
    """One integration of one tenant. Raises InvalidDocument.

    Invariants: an active one has credentials that its catalogue entry accepted; retries stay within 0..9. A
    tenant has one of a name, which its repository holds (`key`). `version` counts what was saved (0: never);
    the repository raises it. Times are unix seconds.
    """

    id: str
    integration_name: str
    category: IntegrationCategory
    tenant_id: str
    is_active: bool = False
    rate_limit: RateLimit = DEFAULT_RATE_LIMIT
    retry_count: int = DEFAULT_RETRIES
    health: ServiceStatus = ServiceStatus.UNKNOWN
    credentials: CredentialsRecord | None = None
    version: int = 0
    _events: list[DomainEvent] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if _UUID.fullmatch(self.id) is None:
            raise InvalidDocument("id: must be a UUID in lower case")
        try:
            self.tenant_id = tenant_id(self.tenant_id)
        except CredentialsInvalid as fault:
            raise InvalidDocument(f"tenant_id: {fault.detail}") from None
        _check_retries(self.retry_count)
        if self.is_active and self.credentials is None:
            raise InvalidDocument("is_active: an active integration has credentials")

    @classmethod
    def of(cls, integration: Integration, *, id: str, tenant_id: str) -> IntegrationConfig:
        """A new one, not active, with the limits of its catalogue entry."""
        return cls(
            id=id,
            integration_name=integration.name,
            category=integration.category,
            tenant_id=tenant_id,
            rate_limit=integration.rate_limit,
            retry_count=integration.retries,
        )

    @property
    def key(self) -> tuple[str, str]:
        """The identity beside the id: tenant and integration."""
        return self.tenant_id, self.integration_name

    @property
    def secret_path(self) -> SecretPath | None:
        """Where the secrets port keeps the credentials; None: there are none."""
        if self.credentials is None or not self.credentials.secret:
            return None
        return SecretPath(self.tenant_id, self.credentials.secret)

    @property
    def retry_policy(self) -> RetryPolicy:
        """The retries as attempts in all."""
        return RetryPolicy(attempts=self.retry_count + 1)

    def activate(
        self,
        credentials: Mapping[str, Secret],
        integration: Integration,
        now: float,
        *,
        variant: str | None = None,
        stored: bool = False,
    ) -> None:
        """Takes it in use with `credentials`, judged by its catalogue entry; none of them are kept here.

        variant: which of the entry's is meant (None: the one that they come nearest to). stored: they come
        from the secrets store and are the ones on record. Raises InvalidDocument that lists every fault.
        """
        if integration.name != self.integration_name:
            raise ValueError(f"the catalogue entry of {integration.name} is not {self.integration_name}'s")
        if stored and variant is None and self.credentials is not None:
            variant = self.credentials.variant
        chosen = integration.variant_for(credentials) if variant is None else integration.variant(variant)
        faults = chosen.validate(credentials)
        if faults:
            raise InvalidDocument(faults=tuple(f"credentials: {fault}" for fault in faults))
        if not stored or self.credentials is None:
            self._take(CredentialsRecord(chosen.name, frozenset(credentials), now))
        if not self.is_active:
            self.is_active = True
            self._tell(IntegrationActivated, now)

    def credentials_stored(self, secret: str) -> None:
        """The secrets store has the credentials, by this name (see `credential_secret`). Raises Conflict."""
        if self.credentials is None:
            raise Conflict(f"{self.integration_name} has no credentials")
        self.credentials = replace(self.credentials, secret=secret)

    def deactivate(self, now: float) -> bool:
        """Takes it out of use; its credentials stay in their store. False when it was not in use."""
        if not self.is_active:
            return False
        self.is_active = False
        self.health = ServiceStatus.UNKNOWN
        self._tell(IntegrationDeactivated, now)
        return True

    def forget_credentials(self, now: float) -> None:
        """There are none any more. Raises Conflict while it is active."""
        if self.is_active:
            raise Conflict(f"{self.integration_name} is active: deactivate it first")
        if self.credentials is not None:
            self.credentials = None
            self._tell(IntegrationCredentialsChanged, now, fields=frozenset())

    def set_rate_limit(self, limit: RateLimit, now: float) -> None:
        """How many calls of this tenant the vendor gets."""
        if limit != self.rate_limit:
            self.rate_limit = limit
            self._tell(IntegrationUpdated, now, settings=frozenset({"rate_limit"}))

    def set_retries(self, count: int, now: float) -> None:
        """How often a call that failed is made again, where that is safe. Raises InvalidDocument."""
        _check_retries(count)
        if count != self.retry_count:
            self.retry_count = count
            self._tell(IntegrationUpdated, now, settings=frozenset({"retry_count"}))

    def update_health(self, status: ServiceStatus, now: float) -> bool:
        """What calls and checks have shown; True, and an event, when it differs. An inactive one has none."""
        if status is self.health or not self.is_active:
            return False
        old, self.health = self.health, status
        self._tell(IntegrationHealthChanged, now, old=old, new=status)
        return True

    def pull_events(self) -> list[DomainEvent]:
        """What happened since the last call, oldest first; each event is given once."""
        events, self._events = self._events, []
        return events

    def _take(self, record: CredentialsRecord) -> None:
        self.credentials = record
        self.health = ServiceStatus.UNKNOWN  # what was known is of other credentials
        self._tell(IntegrationCredentialsChanged, record.changed_at, fields=record.fields)

    def _tell(self, kind: type[DomainEvent], now: float, **about: object) -> None:
        about = {"integration_id": self.id, "integration_name": self.integration_name, **about}
        self._events.append(kind(occurred_at=now, tenant_id=self.tenant_id, **about))


def _check_retries(count: int) -> None:
    if not 0 <= count <= MAX_RETRIES:
        raise InvalidDocument(f"retry_count: must be within 0..{MAX_RETRIES}, not {count}")
