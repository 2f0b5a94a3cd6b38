"""The Cache-Status field (RFC 9211): what this cache did, for whoever reads the answer."""

from __future__ import annotations

NAME = b"brain-gateway"


def hit(ttl: float, detail: str = "") -> bytes:
    """Answered from the store; `ttl`: seconds that it is fresh yet, negative when it is stale."""
    return _ended(b"Cache-Status: %b; hit; ttl=%d" % (NAME, ttl), detail)


def forwarded(
    why: str, *, status: int = 0, stored: bool = False, collapsed: bool | None = None, detail: str = ""
) -> bytes:
    """Asked of the service, `why` as section 2.2 names it; `status`: what it answered, where the client gets another.

    `collapsed` (section 2.6): None where the request waited for no other; whether that one's answer could be used.
    """
    line = b"Cache-Status: %b; fwd=%b" % (NAME, why.encode())
    if status:
        line += b"; fwd-status=%d" % status
    if stored:
        line += b"; stored"
    if collapsed is not None:
        line += b"; collapsed" if collapsed else b"; collapsed=?0"
    return _ended(line, detail)


def _ended(line: bytes, detail: str) -> bytes:
    return line + b'; detail="' + detail.encode() + b'"' if detail else line
