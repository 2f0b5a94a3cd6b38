"""The last answers of Vault: fresh ones save a call, old ones bridge its absence. Bounded."""

from __future__ import annotations

from collections import OrderedDict

from brain_gateway.application.ports.secrets import StoredSecret
from brain_gateway.domain.secret_path import SecretPath


class SecretCache:
    """At most `most` secrets, the least recently stored leave first. Times are monotonic seconds."""

    def __init__(self, fresh: float, stale: float, most: int = 10_000) -> None:
        self._fresh = fresh
        self._stale = max(fresh, stale)
        self._most = most
        self._known: OrderedDict[SecretPath, tuple[float, StoredSecret]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def fresh(self, path: SecretPath, now: float) -> StoredSecret | None:
        """An answer that is young enough not to ask again."""
        return self._younger(path, now, self._fresh)

    def stale(self, path: SecretPath, now: float) -> StoredSecret | None:
        """An answer that may serve while Vault is away."""
        return self._younger(path, now, self._stale)

    def put(self, path: SecretPath, secret: StoredSecret, now: float) -> None:
        """Remember an answer."""
        self._known[path] = (now, secret)
        self._known.move_to_end(path)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def drop(self, path: SecretPath) -> None:
        """Forget what was written, deleted or found missing."""
        self._known.pop(path, None)

    def _younger(self, path: SecretPath, now: float, age: float) -> StoredSecret | None:
        found = self._known.get(path)
        return found[1] if found and now - found[0] < age else None
