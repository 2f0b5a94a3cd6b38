"""Port: the API keys that this process knows, told of changes one by one."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Protocol

from brain_gateway.application.ports.api_key_record import ApiKeyRecord


class ApiKeyRegister(Protocol):
    """In memory: a key is known, or refused, from the next request on."""

    def replace(self, records: Iterable[ApiKeyRecord]) -> None:
        """Take another set of keys, whole. Raises ConfigurationError for records that are broken."""
        ...

    def known(self) -> Set[str]:
        """The hashes of all keys."""
        ...

    def put(self, record: ApiKeyRecord) -> bool:
        """Take one more key, or another record of one; whether there was another record before.

        A broken record opens nothing, and keeps nobody from the others: it may be one of another version's.
        """
        ...

    def remove(self, key_hash: str) -> None:
        """Know a key no more."""
        ...

    def remove_of(self, tenants: Set[str]) -> None:
        """Know no key of these tenants any more."""
        ...
