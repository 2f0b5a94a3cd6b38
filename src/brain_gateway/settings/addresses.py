"""Hosts and addresses: which are loopback, which URLs are well formed, and URLs without their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, IPv6 with or without brackets) never leaves this machine.

    `localhost` and names below it are loopback by RFC 6761 section 6.3.
    """
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


def leaves_in_clear(url: str) -> bool:
    """Whether `url` is http to another machine, so that what it carries can be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def checked_url(text: str, schemes: Sequence[str]) -> str:
    """`text` if it is an absolute URL with one of `schemes`; raises ValueError (without the text) otherwise.

    A URL with `sqlite` or `unix` in its scheme names a file and needs no host.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if parts.scheme not in schemes:
        raise ValueError(f"its scheme must be one of {', '.join(schemes)}")
    if port == 0 or (not parts.hostname and not _names_a_file(parts.scheme)):
        raise ValueError("it has no host")
    if parts.scheme in ("http", "https") and "@" in parts.netloc:
        raise ValueError("it must carry no user name and password")
    return text


def checked_socket(text: str) -> str:
    """`text` if it is an IP address and a port (IPv6 in brackets); raises ValueError otherwise."""
    host, mark, port = text.rpartition(":")
    if not mark or not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ValueError("it has no port from 1 to 65535")
    bracketed = host.startswith("[") and host.endswith("]")
    if (":" in host) is not bracketed:
        raise ValueError("an IPv6 address goes in brackets")
    ip_address(host[1:-1] if bracketed else host)
    return text


def masked_url(text: str) -> str:
    """`text` with the password, if it has one, as ****; a text that is no URL is masked whole."""
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError:
        return "****"
    if password is None:
        return text
    userinfo, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{userinfo.partition(':')[0]}:****@{host}"))


def _names_a_file(scheme: str) -> bool:
    return scheme.startswith(("sqlite", "unix"))
