"""API keys by their hashes: the gateway can recognise a key and cannot tell anybody what it was."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Set

from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.domain.errors import ConfigurationError, CredentialsExpired, CredentialsInvalid
from brain_gateway.domain.tenancy import API_KEY_MARK, ApiKey, Principal, tenant_id
from brain_gateway.infrastructure.identity.denylist import Denylist
from brain_gateway.infrastructure.identity.header_safe import MAX_ROLES, is_role, is_user_id

_MARK = API_KEY_MARK.encode()
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class ApiKeyRing:
    """The keys of all tenants. Looked up by hash, so the time taken tells nothing about a near miss."""

    def __init__(
        self,
        records: Iterable[ApiKeyRecord] = (),
        denylist: Denylist | None = None,
        report: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        """Raises ConfigurationError that lists every record at fault. `report` hears of those that `put` cannot use."""
        self._report = report
        self._denylist = Denylist() if denylist is None else denylist
        self._keys = _register(records)

    def recognises(self, credential: bytes) -> bool:
        """Whether the credential begins as every API key does."""
        return credential.startswith(_MARK)

    def verify(self, key: bytes, now_unix: float) -> Principal:
        """The principal of a key. Raises CredentialsInvalid (unknown, revoked) or CredentialsExpired."""
        presented = ApiKey.parse(key.decode("latin-1")).hash
        registered, principal = self._keys.get(presented, ("", None))
        if principal is None or not hmac.compare_digest(registered, presented):
            raise CredentialsInvalid("the API key is not registered")
        if self._denylist.revoked(registered, now_unix):
            raise CredentialsInvalid("the API key was revoked")
        if principal.expires_at <= now_unix:
            raise CredentialsExpired("the API key has expired: ask for a new one")
        return principal

    def revoke(self, key_hash: str, now_unix: float) -> None:
        """Refuse a key from now on, also when a reloaded configuration still names it."""
        _, principal = self._keys.get(key_hash, ("", None))
        if principal is None:
            self._denylist.revoke(key_hash, now_unix)
        else:
            self._denylist.revoke(key_hash, now_unix, principal.expires_at)

    def replace(self, records: Iterable[ApiKeyRecord]) -> None:
        """Take another set of keys, whole; at a fault the old set stays. Raises ConfigurationError."""
        self._keys = _register(records)

    def known(self) -> Set[str]:
        """The hashes of all keys."""
        return self._keys.keys()

    def put(self, record: ApiKeyRecord) -> bool:
        """See the port."""
        before = self._keys.get(record.hash)
        faults = tuple(_faults(record))
        if faults:
            self._keys.pop(record.hash, None)
            self._report(f"API key {record.prefix} opens nothing: {'; '.join(faults)}")
            return before is not None
        taken = (record.hash, _principal(record))
        self._keys[record.hash] = taken
        return before is not None and before != taken

    def remove(self, key_hash: str) -> None:
        """Know a key no more."""
        self._keys.pop(key_hash, None)

    def remove_of(self, tenants: Set[str]) -> None:
        """Know no key of these tenants any more."""
        gone = [known for known, (_, principal) in self._keys.items() if principal.tenant_id in tenants]
        for known in gone:
            del self._keys[known]


def _register(records: Iterable[ApiKeyRecord]) -> dict[str, tuple[str, Principal]]:
    keys: dict[str, tuple[str, Principal]] = {}
    faults: list[str] = []
    for record in records:
        found = [f"API key {record.prefix}: {fault}" for fault in _faults(record)]
        if record.hash in keys:
            found.append(f"API key {record.prefix}: the same hash is registered twice")
        if not found:
            keys[record.hash] = (record.hash, _principal(record))
        faults.extend(found)
    if faults:
        raise ConfigurationError(faults=tuple(faults))
    return keys


def _faults(record: ApiKeyRecord) -> Iterator[str]:
    if not _HASH.fullmatch(record.hash):
        yield 'hash must be "sha256:" and 64 lower-case hexadecimal digits'
    if not record.prefix.startswith(API_KEY_MARK):
        yield "prefix must begin with bgk_"
    if not is_user_id(record.user_id):
        yield "user must be 1 to 255 visible ASCII characters"
    if len(record.roles) > MAX_ROLES or not all(map(is_role, record.roles)):
        yield f"roles must be at most {MAX_ROLES} names of at most 64 letters, digits or !#$%&'*+.^_`|~-"
    try:
        tenant_id(record.tenant_id)
    except CredentialsInvalid:
        yield "tenant must be a UUID"


def _principal(record: ApiKeyRecord) -> Principal:
    return Principal(
        tenant_id=tenant_id(record.tenant_id),
        user_id=record.user_id,
        roles=record.roles,
        expires_at=record.expires_at,
        token_id=record.hash,
        scheme="api_key",
    )
