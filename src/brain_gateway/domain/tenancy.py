"""Who is asking: tenants, roles, principals and the credentials that prove them."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from brain_gateway.domain.errors import CredentialsInvalid

API_KEY_MARK = "bgk_"
_SHOWN = 12  # characters of a key that may be stored and shown, to recognise it
_MIN_ENTROPY = 16  # bytes: 128 bits, so that a fast hash is enough to store the key
_KEY = re.compile(r"bgk_[A-Za-z0-9_-]{16,128}", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)


class Role(StrEnum):
    """The roles that the platform issues; a token may carry others, which services can ask for by name."""

    SUPER_ADMIN = "super_admin"
    TENANT_ADMIN = "tenant_admin"
    MANAGER = "manager"
    CLIENT = "client"


def tenant_id(text: str) -> str:
    """The canonical tenant id: a UUID as 8-4-4-4-12 lower-case hex (RFC 9562 section 4).

    Other spellings that `uuid.UUID` would take (braces, urn:, no hyphens) are refused, so that a tenant has
    one name. Raises CredentialsInvalid.
    """
    if _UUID.fullmatch(text) is None:
        raise CredentialsInvalid("the tenant id is not a UUID such as 0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `expires_at` is in unix seconds (inf: never); `scheme` is "jwt" or "api_key"."""

    tenant_id: str
    user_id: str
    roles: frozenset[str]
    expires_at: float = inf
    token_id: str | None = None
    scheme: str = "jwt"

    def has_any(self, roles: Iterable[str]) -> bool:
        """Whether the caller holds at least one of `roles`; of no roles nobody holds one."""
        return not self.roles.isdisjoint(roles)


class Secret:
    """A text that masks itself in repr, str, format and tracebacks; `reveal()` is the only way to read it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    def __str__(self) -> str:
        return "****"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


@dataclass(frozen=True, slots=True, repr=False)
class ApiKey:
    """A key as the caller shows it: "bgk_" and 16 to 128 characters of the base64url alphabet. Masks
    itself.
    """

    _secret: Secret

    @classmethod
    def parse(cls, text: str) -> ApiKey:
        """The key in `text`; raises CredentialsInvalid, which never quotes the text."""
        if _KEY.fullmatch(text) is None:
            raise CredentialsInvalid("the API key is not bgk_ and 16 to 128 letters, digits, - or _")
        return cls(Secret(text))

    @classmethod
    def from_entropy(cls, entropy: bytes) -> ApiKey:
        """A new key from at least 16 random bytes (32 are usual). Raises ValueError for fewer."""
        if len(entropy) < _MIN_ENTROPY:
            raise ValueError(f"an API key needs at least {_MIN_ENTROPY} random bytes, got {len(entropy)}")
        return cls.parse(API_KEY_MARK + urlsafe_b64encode(entropy).rstrip(b"=").decode("ascii"))

    @property
    def prefix(self) -> str:
        """The first 12 characters: enough to recognise the key, not to use it."""
        return self._secret.reveal()[:_SHOWN]

    @property
    def hash(self) -> str:
        """What is stored: "sha256:" and 64 hex digits. Keys are random, so no slow hash is needed."""
        return "sha256:" + hashlib.sha256(self._secret.reveal().encode("ascii")).hexdigest()

    def reveal(self) -> str:
        """The key itself, to show once to its owner."""
        return self._secret.reveal()

    def __repr__(self) -> str:
        return f"ApiKey({self.prefix}****)"

    __str__ = __repr__
