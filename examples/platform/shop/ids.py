"""Global identifiers: `Product:7` in Base64, as Relay and Saleor write them."""

import base64
import binascii


def encode_id(kind: str, key: object) -> str:
    """Return the global identifier of a row of this kind."""
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


def decode_id(kind: str, global_id: str) -> str | None:
    """Return the row's key, or None when this is no identifier of that kind."""
    try:
        found, _, key = base64.b64decode(global_id, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return key if found == kind and key else None


def decode_key(kind: str, global_id: str) -> int | None:
    """Return the row's number, or None when this is no identifier of a numbered row of that kind."""
    key = decode_id(kind, global_id)
    return int(key) if key and key.isascii() and key.isdigit() else None
