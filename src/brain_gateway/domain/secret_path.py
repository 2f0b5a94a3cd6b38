"""Where a secret is kept, and how a setting refers to one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from brain_gateway.domain.errors import CredentialsInvalid
from brain_gateway.domain.tenancy import Secret, tenant_id

PLATFORM = "platform"
"""What stands in a tenant's place for secrets of the platform itself; no tenant id can be this."""

MOST_FIELDS = 64
MOST_BYTES = 65_536  # of one value, in UTF-8

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_NAME = re.compile(_WORD, re.ASCII)
_REFERENCE = re.compile(rf"secret:({_WORD})#({_WORD})", re.ASCII)
_MUST = "must be 1 to 128 letters, digits, dots, underscores or hyphens, the first a letter or digit"


@dataclass(frozen=True, slots=True)
class SecretPath:
    """A secret's address: the tenant it belongs to (None: the platform itself) and a name of one segment.

    Neither part can hold a slash, begin with a dot or be empty, so no path leads out of its tenant. Raises
    ValueError, which does not repeat the text.
    """

    tenant_id: str | None
    name: str

    def __post_init__(self) -> None:
        if self.tenant_id is not None:
            try:
                canonical = tenant_id(self.tenant_id)
            except CredentialsInvalid:
                raise ValueError("the tenant of a secret must be a UUID") from None
            object.__setattr__(self, "tenant_id", canonical)
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(f"the name of a secret {_MUST}")

    @property
    def tenant(self) -> str:
        """The tenant as a segment: its UUID, or "platform"."""
        return self.tenant_id or PLATFORM

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """One field of a secret of the platform, as settings write it: `secret:NAME#FIELD`."""

    path: SecretPath
    field: str

    @classmethod
    def parse(cls, text: str) -> SecretReference | None:
        """The reference that `text` is, or None when it is another text."""
        found = _REFERENCE.fullmatch(text)
        return cls(SecretPath(None, found[1]), found[2]) if found else None

    def __str__(self) -> str:
        return f"secret:{self.path.name}#{self.field}"


def checked_values(values: Mapping[str, Secret]) -> dict[str, Secret]:
    """A copy of `values` if they can be stored: 1 to 64 fields with names like a secret's, of at most 64 KiB each.

    Raises ValueError, which repeats no value.
    """
    if not 1 <= len(values) <= MOST_FIELDS:
        raise ValueError(f"a secret has 1 to {MOST_FIELDS} fields, not {len(values)}")
    for field, value in values.items():
        if _NAME.fullmatch(field) is None:
            raise ValueError(f"the name of a secret's field {_MUST}")
        if _size(value) > MOST_BYTES:
            raise ValueError(f"the field {field} is longer than {MOST_BYTES} bytes, or is no Unicode text")
    return dict(values)


def _size(value: Secret) -> int:
    try:
        return len(value.reveal().encode())
    except UnicodeEncodeError:  # its message would show a part of the value
        return MOST_BYTES + 1
