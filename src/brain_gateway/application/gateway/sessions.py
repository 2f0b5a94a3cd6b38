"""Sessions: verified callers, remembered by the bytes of their credentials until these expire."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from brain_gateway.application.gateway.lanes import Lane
    from brain_gateway.application.gateway.routing_table import RoutingTable
    from brain_gateway.domain.tenancy import Principal

ENDED = float("-inf")


class Session:
    """One caller. `expires` is monotonic seconds; `lanes` belong to `table` and go with it."""

    __slots__ = (
        "__weakref__",
        "caller",
        "expires",
        "forwards_credentials",
        "identity_lines",
        "lanes",
        "principal",
        "table",
        "tenant_id",
    )

    def __init__(self, principal: Principal | None, caller: str, expires: float) -> None:
        self.principal = principal
        self.caller = caller
        self.expires = expires
        self.tenant_id = principal.tenant_id if principal else None
        self.forwards_credentials = principal is None or principal.scheme == "jwt"
        self.identity_lines = identity_lines(principal)
        self.table: RoutingTable | None = None
        self.lanes: dict[bytes, Lane] = {}

    def end(self) -> None:
        """Revoke it: whoever holds it sees it expired."""
        self.expires = ENDED


def identity_lines(principal: Principal | None) -> tuple[bytes, ...]:
    """The headers by which services know the caller; the gateway alone speaks under these names."""
    if principal is None:
        return ()
    roles = ",".join(sorted(principal.roles))
    lines = (
        f"X-Tenant-ID: {principal.tenant_id}",
        f"X-User-ID: {principal.user_id}",
        f"X-User-Roles: {roles}",
    )
    return tuple(line.encode("ascii") for line in lines)


class SessionCache:
    """Sessions by credential line, in two generations: a full young one becomes the old one."""

    def __init__(self, most: int = 100_000) -> None:
        self._half = most // 2
        self.young: dict[bytes, Session] = {}
        self._old: dict[bytes, Session] = {}
        # Also those that are in no generation any more, while a connection or a tunnel goes by them. By the scheme of
        # the credential: keys are revoked more often than tokens, and there are fewer.
        self._all: dict[str, WeakSet[Session]] = {}

    def get(self, line: bytes) -> Session | None:
        """The session of a credential line, if it is remembered."""
        session = self.young.get(line)
        if session is None:
            session = self._old.get(line)
            if session is not None:
                self.put(line, session)
        return session

    def put(self, line: bytes, session: Session) -> None:
        """Remember a session."""
        if len(self.young) >= self._half:
            self._old, self.young = self.young, {}
        self.young[line] = session
        if session.principal is not None:
            self._all.setdefault(session.principal.scheme, WeakSet()).add(session)

    def drop(self, line: bytes) -> None:
        """Forget one line."""
        self.young.pop(line, None)
        self._old.pop(line, None)

    def retime(self, ahead: float) -> None:
        """Let every session end when its credential does, now that the wall clock is `ahead` seconds of the monotonic
        one. What was revoked stays so."""
        for known in list(self._all.values()):
            for session in list(known):
                if session.principal is not None and session.expires != ENDED:
                    session.expires = session.principal.expires_at - ahead

    def end_all(self, gone: Callable[[Principal], bool], scheme: str | None = None) -> None:
        """End every session for whose principal `gone` is true (of those by one scheme); their tunnels close."""
        for known in list(self._all.values()) if scheme is None else (self._all.get(scheme, ()),):
            for session in list(known):
                if session.principal is not None and gone(session.principal):
                    session.end()
