"""What may stand in X-User-ID and X-User-Roles: nothing that could end a header or split a list."""

from __future__ import annotations

import re

MAX_USER_ID_LENGTH = 255  # OpenID Connect Core section 2: sub is at most 255 ASCII characters
MAX_ROLE_LENGTH = 64
MAX_ROLES = 32
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")  # RFC 9110 section 5.6.2: no comma, no space


def is_user_id(text: str) -> bool:
    """Whether it is 1 to 255 visible ASCII characters."""
    return _VISIBLE.fullmatch(text) is not None


def is_role(text: str) -> bool:
    """Whether it is a token (RFC 9110) of 1 to 64 characters."""
    return _TOKEN.fullmatch(text) is not None
