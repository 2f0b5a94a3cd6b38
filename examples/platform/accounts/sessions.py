"""Signing in, staying signed in, signing out.

A refresh token works once and is replaced each time (RFC 9700 section 4.14.2). If one comes back that was
used already, somebody copied it: the whole family, from that sign-in on, ends.
"""

import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from accounts.passwords import hash_password, is_outdated, matches
from accounts.settings import Settings
from accounts.store import RefreshToken, Rows, Store, User
from accounts.tokens import TokenIssuer


class RefusedError(Exception):
    """The caller may not have what was asked for; the text says why and may be shown."""


class EmailTakenError(Exception):
    """There is an account with this address."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a caller gets: an access token for an hour, a refresh token for one use."""

    access_token: str
    refresh_token: str
    expires_in: int
    user: User


class Sessions:
    """The use cases of this service; `clock` returns seconds since the epoch."""

    def __init__(
        self, settings: Settings, store: Store, issuer: TokenIssuer, clock: Callable[[], float]
    ) -> None:
        self._settings, self._store, self._issuer, self._clock = settings, store, issuer, clock

    def register(self, email: str, password: str, name: str, organisation: str) -> Tokens:
        """Add a tenant with its first administrator; nobody joins an existing tenant by asking."""
        user = User(
            id=str(uuid.uuid4()),
            tenant_id=str(uuid.uuid4()),
            email=email.casefold(),
            name=name,
            roles=("tenant_admin",),
            password_hash=hash_password(password),
        )
        with self._store.begin() as rows:
            rows.add_tenant(user.tenant_id, organisation)
            if not rows.add_user(user):
                raise EmailTakenError
            return self._tokens(rows, user, family=str(uuid.uuid4()))

    def login(self, email: str, password: str) -> Tokens:
        """Sign in; refused alike for an unknown address and a wrong password."""
        with self._store.begin() as rows:
            user = rows.user_by("email", email.casefold())
        # Verified outside of a transaction: it takes long, by intention.
        if not matches(user.password_hash if user else None, password) or user is None:
            raise RefusedError("The address or the password is wrong.")
        with self._store.begin() as rows:
            if is_outdated(user.password_hash):
                rows.replace_password(user.id, hash_password(password))
            rows.forget_expired(self._clock())
            return self._tokens(rows, user, family=str(uuid.uuid4()))

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens."""
        refusal = RefusedError("The refresh token is unknown, used or expired: sign in again.")
        with self._store.begin() as rows:
            kept = rows.refresh_token(_digest(refresh_token))
            if kept is not None and kept.used_at is not None:
                rows.end_family(kept.family)  # leaves by the end of the block, so that it is committed
            elif kept is not None and kept.expires_at > self._clock():
                user = rows.user_by("id", kept.user_id)
                if user is not None:
                    rows.use_refresh_token(kept.hash, self._clock())
                    return self._tokens(rows, user, kept.family)
        raise refusal

    def logout(self, refresh_token: str) -> None:
        """End the sign-in that this refresh token belongs to; an unknown one ends nothing."""
        with self._store.begin() as rows:
            if kept := rows.refresh_token(_digest(refresh_token)):
                rows.end_family(kept.family)

    def _tokens(self, rows: Rows, user: User, family: str) -> Tokens:
        now = self._clock()
        refresh_token = secrets.token_urlsafe(32)
        expires_at = now + self._settings.refresh_seconds
        rows.add_refresh_token(RefreshToken(_digest(refresh_token), family, user.id, expires_at))
        access_token = self._issuer.issue(user, int(now))
        return Tokens(access_token, refresh_token, self._settings.access_seconds, user)


def _digest(token: str) -> str:
    """Tokens are 256 random bits, so a plain hash is enough to keep them by."""
    return hashlib.sha256(token.encode()).hexdigest()
