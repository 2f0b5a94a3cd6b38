"""The signing secret and the secrets key of the development profile, kept in the data directory."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings.fields import Profile
from brain_gateway.settings.model import Settings
from brain_gateway.settings.secrets import KEY_BYTES, keys_of

SECRET_FILE = "jwt-secret"
SECRETS_KEY_FILE = "secrets-key"


def with_development_secret(settings: Settings) -> Settings:
    """`settings` with a JWT secret: unchanged in production or when one is set, else from the data directory.

    The file is made on the first call (48 random bytes, mode 0600) and read by all later ones and by every
    worker. Raises ConfigurationError when it cannot be made or when others may read it.
    """
    if settings.profile is Profile.PRODUCTION or settings.jwt_secret is not None:
        return settings
    path = settings.data_dir / SECRET_FILE
    try:
        secret = _read_or_make(path)
    except OSError as error:
        reason = f"BRAIN_GATEWAY_DATA_DIR={settings.data_dir}: must be writable ({error.strerror})"
        raise ConfigurationError(f"{reason}; or set JWT_SECRET") from error
    return settings.model_copy(update={"jwt_secret": SecretStr(secret)})


def development_secrets_key(settings: Settings) -> bytes:
    """The key of the development profile's secrets file, made and kept like the JWT secret, as SECRETS_KEY takes it."""
    path = settings.data_dir / SECRETS_KEY_FILE
    try:
        text = _read_or_make(path, lambda: b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        return keys_of(SecretStr(text))[0]
    except OSError as error:
        reason = f"BRAIN_GATEWAY_DATA_DIR={settings.data_dir}: must be writable ({error.strerror})"
        raise ConfigurationError(f"{reason}; or set SECRETS_KEY") from error
    except ValueError:
        raise ConfigurationError(f"{path}: holds no key of {KEY_BYTES} bytes in base64") from None


def _read_or_make(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path, make())
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path}: must be readable by you alone; run `chmod 600 {path}`")
    secret = path.read_text(encoding="ascii").strip()
    if not secret:
        raise ConfigurationError(f"{path}: is empty; remove it and start again")
    return secret


def _make(path: Path, content: str) -> None:
    """Write beside and link into place: another process that starts now sees a whole file or none."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(content)
    try:
        os.link(beside, path)
    except FileExistsError:
        pass  # another process was first: its secret counts
    finally:
        beside.unlink()
