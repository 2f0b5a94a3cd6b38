"""Secrets that tests plant: each holds one marker, so that a search for it finds whichever came out.

The marker is of the base64url alphabet, so that it can be a part of keys that are decoded. It is put together here,
so that source lines in a traceback do not hold it.
"""

from __future__ import annotations

MARKER = "PLANTED" + "x7Secret9"


def planted(name: str) -> str:
    """A secret of at least 32 characters, known by its name."""
    return f"{name}-{MARKER}-kT8zQ1vR5xW9cB3nM7"


JWT_SECRET = planted("jwt")
API_KEY = "bgk_Zm9yLXRlc3Rz" + MARKER
DATABASE_PASSWORD = planted("database")
METRICS_TOKEN = planted("metrics")
VAULT_TOKEN = planted("vault-token")
VAULT_SECRET_ID = planted("vault-secret-id")
CREDENTIAL = planted("credential")
SECRETS_KEY = MARKER + "0123456789abcdefghijklmnopo="  # 32 bytes in base64
OTHER_SECRETS_KEY = MARKER + "zyxwvutsrqponmlkjihgfedcbao="
