"""From a request target to a service's name and the path behind it, safely (RFC 3986, RFC 9112 section 3.2).

The path's bytes travel as they were sent. What could be read as a step out of the service's prefix, by any
server on the way, is refused: dot segments in every spelling, encoded slashes around them, NUL, overlong UTF-8.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.http.fields import is_host

_MOST_DECODINGS = 3  # some services decode what is decoded already
_ALIAS = b"brain-gateway"
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://([^/?]*)(.*)", re.DOTALL)
_ENCODED_SLASH = re.compile(rb"%2[Ff]")
_PARAMETERS = re.compile(rb";[^/]*")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def origin_form(target: bytes) -> tuple[bytes, bytes]:
    """The authority and the path with query of a target in absolute form (RFC 9112 section 3.2.2)."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None or not is_host(match[1]):
        raise MalformedRequest(
            "the request target must be a path, or an absolute URI with a host and no user information"
        )
    path = match[2]
    return match[1], path if path[:1] == b"/" else b"/" + path


def split(target: bytes) -> tuple[bytes, bytes]:
    """The service's name and the rest, which begins with '/' or '?' or is empty.

    `/brain-gateway/{service}/{path}` is the same as `/{service}/{path}`. Raises MalformedRequest.
    """
    name, rest = _first(target)
    if name == _ALIAS and rest[:1] == b"/":
        name, rest = _first(rest)
    if b"/." in rest or b"%" in rest or b"\\" in rest:
        check(rest.partition(b"?")[0])
    return name, rest


def _first(target: bytes) -> tuple[bytes, bytes]:
    """The first segment, and what follows it."""
    end = target.find(b"/", 1)
    query = target.find(b"?", 1)
    if query >= 0 and (end < 0 or query < end):
        end = query
    return (target[1:], b"") if end < 0 else (target[1:end], target[end:])


def check(path: bytes) -> None:
    """Refuse a path that some server could resolve upwards."""
    if _BROKEN_ESCAPE.search(path):
        raise MalformedRequest("'%' in the path must be followed by two hexadecimal digits")
    if b"\\" in path:
        raise MalformedRequest("the path may carry no backslash")
    for _ in range(_MOST_DECODINGS):
        decoded = unquote_to_bytes(path)
        _check_decoded(decoded)
        if decoded == path:
            break
        path = decoded


def _check_decoded(decoded: bytes) -> None:
    if b"\0" in decoded or b"\xc0" in decoded or b"\xc1" in decoded:
        raise MalformedRequest("the path carries an encoded NUL or an overlong encoding")
    for segment in decoded.replace(b"\\", b"/").split(b"/"):
        if segment.partition(b";")[0] in (b".", b".."):
            raise MalformedRequest("the path may carry no '.' or '..' segments, in no spelling")


def normal_form(rest: bytes) -> str:
    """The path by which routes are found: decoded, one slash for several, no slash at the end.

    Policies hang on routes, so two spellings that a service may read alike must find the same route. An encoded
    slash stays encoded: it is data, not structure (see `other_forms`).
    """
    path = rest.partition(b"?")[0]
    if b"%" in path:
        path = b"%2F".join(unquote_to_bytes(part) for part in _ENCODED_SLASH.split(path))
    return _tidy(path)


def other_forms(rest: bytes) -> set[str]:
    """The path as other services read it: those that decode encoded slashes, and those that cut path parameters,
    before decoding (Tomcat, Jetty, Spring) or after. Empty when all read it alike.
    """
    path = rest.partition(b"?")[0]
    decoded = unquote_to_bytes(path) if b"%" in path else path
    if b";" not in decoded and not _ENCODED_SLASH.search(path):
        return set()
    cut_first = unquote_to_bytes(_PARAMETERS.sub(b"", path))
    return {_tidy(decoded), _tidy(_PARAMETERS.sub(b"", decoded)), _tidy(cut_first)}


def _tidy(path: bytes) -> str:
    while b"//" in path:
        path = path.replace(b"//", b"/")
    return path.decode("utf-8", "replace").rstrip("/") or "/"
