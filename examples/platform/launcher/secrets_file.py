"""Secrets that are made once and kept for the owner's eyes."""

import os
import secrets
from pathlib import Path

from launcher.layout import LaunchError


def read_or_make(path: Path) -> str:
    """Return the secret in the file; a missing file is made first, with 48 random bytes and mode 0600."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
    if path.stat().st_mode & 0o077:
        raise LaunchError(f"{path} is readable by others; run `chmod 600 {path}`")
    secret = path.read_text(encoding="ascii").strip()
    if not secret:
        raise LaunchError(f"{path} is empty; remove it and start again")
    return secret
