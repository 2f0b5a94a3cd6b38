"""Credentials of integrations on their way in and out of the secrets store (docs/decisions/0015).

The database says which set is in force, by the name of its secret; the store has the sets. A set is written before the
transaction that takes it in use, under a name of its own, and deleted after the one that takes it out: whatever fails,
the database names a whole set, and what the store has beside that is left over, and swept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from brain_gateway.application.ports.secrets import Secrets
from brain_gateway.application.ports.unit_of_work import UnitOfWork, UnitsOfWork
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import CallerError, GatewayError, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.integrations.credential_secret import ENTROPY, credential_secret, made_at
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.domain.tenants import TenantStatus

GRACE = 3600.0
"""Seconds that a set may be there before a transaction takes it in use: far longer than any command takes."""
EVERY = 30.0  # seconds between two attempts to sweep
LEAVING = frozenset(("TenantDeleted", "IntegrationCredentialsChanged", "IntegrationRemoved"))
"""Events after which something may be left over."""
_PAGE = 500


@dataclass(slots=True)
class StoredSet:
    """A set of credentials that is in the store (`path` None: there was nothing to store). `taken`: it is for the
    transaction to say that it takes it in use."""

    path: SecretPath | None
    taken: bool = False


class IntegrationCredentials:
    """`unix` gives seconds since the epoch, `entropy(n)` n random bytes; `warn` gets a format and its arguments."""

    def __init__(
        self,
        units: UnitsOfWork,
        secrets: Secrets,
        unix: Callable[[], float],
        entropy: Callable[[int], bytes],
        warn: Callable[..., None],
    ) -> None:
        self._units = units
        self._secrets = secrets
        self._unix = unix
        self._entropy = entropy
        self._warn = warn
        self._due: dict[str, float] = {}

    @property
    def due(self) -> Mapping[str, float]:
        """Tenants with something left over, and when to look again (unix seconds)."""
        return self._due

    @asynccontextmanager
    async def stored(
        self, tenant_id: str, integration: str, values: Mapping[str, Secret]
    ) -> AsyncIterator[StoredSet]:
        """`values` in the store, for as long as it takes to take them in use; kept if they were. Raises
        SecretsUnavailable."""
        if not values:
            yield StoredSet(None)
            return
        path = SecretPath(tenant_id, credential_secret(integration, self._unix(), self._entropy(ENTROPY)))
        self._later(tenant_id, self._unix() + GRACE)  # whatever becomes of it
        await self._written(path, values)
        made = StoredSet(path)
        try:
            yield made
        except CallerError:  # the transaction was refused, so nothing names the set
            await self.drop(path)
            raise
        if not made.taken:
            await self.drop(path)

    async def read(self, path: SecretPath | None) -> Mapping[str, Secret]:
        """A set, empty where there is none. Raises SecretsUnavailable."""
        if path is None:
            return {}
        try:
            return await self._secrets.read(path)
        except SecretNotFound:
            return {}

    async def drop(self, path: SecretPath) -> None:
        """Delete a set that nothing names any more, now or else later."""
        try:
            await self._secrets.delete(path)
        except SecretsUnavailable as error:
            self._warn("credentials in %s are deleted later: %s", path, error.detail)
            self._later(path.tenant, self._unix())

    async def sweep(self, tenant_id: str) -> None:
        """Delete the sets of a tenant that no integration names; of a tenant that was deleted, all.

        Raises SecretsUnavailable and StoreUnavailable. Sets that are younger than GRACE may be about to be named.
        """
        names = await self._secrets.names(tenant_id)  # first: what is named later than this is younger
        if not names:
            return
        gone, known = await self._known(tenant_id)
        now = self._unix()
        for name in names:
            made = made_at(name)
            if gone or (made is not None and name not in known and now - made > GRACE):
                await self._deleted(tenant_id, name)
            elif made is not None and name not in known:
                self._later(tenant_id, made + GRACE)

    async def sweep_soon(self, tenant_id: str) -> None:
        """`sweep`, now or else later."""
        try:
            await self.sweep(tenant_id)
        except GatewayError as error:
            self._warn("secrets of tenant %s are deleted later: %s", tenant_id, error.detail)
            self._later(tenant_id, self._unix())

    async def follow(self) -> None:
        """For ever: sweep what is due; at first what any process may have left over when it ended."""
        begun = False
        while True:
            try:
                if not begun:
                    await self.remember()
                    begun = True
                await self.tidy()
            except GatewayError:
                pass  # the store is away: what is due stays due
            await asyncio.sleep(EVERY)

    async def remember(self) -> None:
        """What is due by the events of the last day. Raises StoreUnavailable."""
        after, more = 0, True
        while more:
            async with self._units(PLATFORM, read_only=True) as unit:
                events = await unit.outbox.after(after, _PAGE, types=LEAVING)
            for event in events:
                after = event.id
                if event.tenant_id is not None:
                    self._later(event.tenant_id, event.occurred_at)
            more = len(events) == _PAGE

    async def tidy(self) -> None:
        """Sweep every tenant whose time has come. Raises StoreUnavailable, SecretsUnavailable."""
        now = self._unix()
        for tenant_id in [tenant_id for tenant_id, due in self._due.items() if due <= now]:
            due = self._due.pop(tenant_id)
            try:
                await self.sweep(tenant_id)
            except GatewayError:
                self._later(tenant_id, due)
                raise

    async def _written(self, path: SecretPath, values: Mapping[str, Secret]) -> None:
        try:
            await self._secrets.write(path, values, expected_version=0)
        except SecretsUnavailable as error:
            self._warn("credentials cannot be stored: %s", error.detail)
            raise

    async def _deleted(self, tenant_id: str, name: str) -> None:
        try:
            path = SecretPath(tenant_id, name)
        except ValueError:  # somebody else's, who knows other names than the port does
            self._warn("a secret of tenant %s has a name that is not the gateway's: it stays", tenant_id)
            return
        await self._secrets.delete(path)

    async def _known(self, tenant_id: str) -> tuple[bool, set[str]]:
        """Whether a tenant was deleted, and the names of the sets that are in force."""
        known: set[str] = set()
        async with self._units(Scope(tenant_id), read_only=True) as unit:
            if await _is_gone(unit, tenant_id):
                return True, known
            after, more = "", True
            while more:
                page = await unit.integrations.list_page(tenant_id, after=after, limit=_PAGE)
                for config in page:
                    after = config.integration_name
                    if config.secret_path is not None:
                        known.add(config.secret_path.name)
                more = len(page) == _PAGE
        return False, known

    def _later(self, tenant_id: str, due: float) -> None:
        self._due[tenant_id] = min(due, self._due.get(tenant_id, due))


async def _is_gone(unit: UnitOfWork, tenant_id: str) -> bool:
    """Whether a tenant was deleted; one that was never registered was not."""
    found = await unit.tenants.get(tenant_id)
    return found is not None and found.tenant.status is TenantStatus.DELETED
