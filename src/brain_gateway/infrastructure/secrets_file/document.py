"""The text of the secrets file: JSON with one encrypted box for each secret, and a seal over all of them.

A box is bound to its tenant, its name and its version, so that boxes cannot change places. The seal (an empty box
bound to everything else in the file) shows that no box was taken out, added or put back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from brain_gateway.application.ports.secrets import StoredSecret
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.keyring import DamagedError, Keyring

FORMAT = 1


@dataclass(slots=True)
class Document:
    """The secrets by address (`tenant/name`): each a version and a box."""

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes, keys: Keyring) -> Document:
        """Raises UnknownKeyError, or DamagedError for whatever `render` did not write."""
        try:
            outer = json.loads(text)
            seal = outer.pop("seal")
            known = outer["format"] == FORMAT and isinstance(outer["secrets"], dict)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DamagedError from None
        if not known:
            raise DamagedError
        keys.open(seal, _canonical(outer))
        return cls(outer["secrets"])

    def render(self, keys: Keyring) -> bytes:
        """The text of the file."""
        outer: dict[str, Any] = {"format": FORMAT, "secrets": self.entries}
        return json.dumps({**outer, "seal": keys.close(b"", _canonical(outer))}, indent=1).encode()

    def version(self, path: SecretPath) -> int:
        """The version that is stored; 0 for none."""
        entry = self.entries.get(str(path))
        return int(entry["version"]) if entry else 0

    def get(self, path: SecretPath, keys: Keyring) -> StoredSecret | None:
        """The secret, decrypted; raises UnknownKeyError or DamagedError."""
        entry = self.entries.get(str(path))
        if entry is None:
            return None
        plain = json.loads(keys.open(entry["box"], _context(str(path), entry["version"])))
        return StoredSecret({name: Secret(value) for name, value in plain.items()}, entry["version"])

    def put(self, path: SecretPath, values: dict[str, Secret], keys: Keyring) -> int:
        """Store `values`; the new version."""
        version = self.version(path) + 1
        plain = json.dumps({name: value.reveal() for name, value in values.items()}).encode()
        box = keys.close(plain, _context(str(path), version))
        self.entries[str(path)] = {"version": version, "box": box}
        return version

    def close_anew(self, keys: Keyring) -> int:
        """Encrypt every secret with the first key; how many there are. Raises UnknownKeyError or DamagedError."""
        for address, entry in self.entries.items():
            context = _context(address, entry["version"])
            entry["box"] = keys.close(keys.open(entry["box"], context), context)
        return len(self.entries)


def _context(address: str, version: int) -> bytes:
    return _canonical(["secret", FORMAT, *address.split("/"), version])


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
