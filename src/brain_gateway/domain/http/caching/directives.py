"""Cache directives: the fields Cache-Control, Pragma and CDN-Cache-Control read (RFC 9111 section 5.2, RFC 9213).

What is odd is read on the safe side: of a directive that comes twice the first counts, a number that cannot be read
is 0 in a response (stale at once, section 4.2.1), and quoted strings are values whatever is inside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST_SECONDS = 2**31  # what more seconds are taken for (RFC 9111 section 1.2.2)

_DIRECTIVE = re.compile(
    rb'[\s,]*(?:"(?:[^"\\]|\\.)*"?)*([^=,"]*)(?:=((?:"(?:[^"\\]|\\.)*"?|[^,"])*))?', re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_DIGITS = re.compile(rb"[0-9]+")
_MEMBER = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*"?)*', re.DOTALL)
_KEY = re.compile(rb"[a-z*][a-z0-9_\-.*]*")
_ITEM = re.compile(
    rb'\?[01]|-?[0-9]{1,15}(?:\.[0-9]{1,3})?|"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
    rb"|[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*|:[A-Za-z0-9+/=]*:"
)
_PARAMETERS = re.compile(rb"(?:; *[a-z*][a-z0-9_\-.*]*(?:=(?:%b))?)*" % _ITEM.pattern)
_NUMBERS = frozenset((b"max-age", b"s-maxage", b"stale-while-revalidate", b"stale-if-error"))

Directives = Mapping[bytes, bytes]


def parse(value: bytes) -> dict[bytes, bytes]:
    """Directive names in lower case, with their arguments (unquoted, empty for none); the first of each counts."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(value):
        match = _DIRECTIVE.match(value, at)
        if match is None or match.end() == at:
            at += 1
            continue
        at = match.end()
        name = match[1].strip().lower()
        if name:
            found.setdefault(name, _argument(match[1], match[2]))
    return found


def _argument(name: bytes, text: bytes | None) -> bytes:
    """White space around "=" is no grammar: what stands behind it is no number, and so not fresh."""
    if text is None:
        return b""
    text = text.rstrip(b" \t")
    if text[:1] == b'"' and text[-1:] == b'"' and len(text) > 1:
        return _ESCAPED.sub(rb"\1", text[1:-1])
    return text if name == name.rstrip() else b" " + text


def parse_targeted(value: bytes) -> dict[bytes, bytes] | None:
    """A Dictionary of Structured Fields (RFC 9213 section 2.1, RFC 9651): None when any of it is not one, or it is
    empty, so that Cache-Control decides. A member whose value has not the directive's type has no meaning."""
    found: dict[bytes, bytes] = {}
    for member in _members(value):
        key = _KEY.match(member)
        if key is None:
            return None
        rest = member[key.end() :]
        item = _ITEM.match(rest, 1) if rest[:1] == b"=" else None
        parameters = rest[item.end() :] if item is not None else rest
        if not _PARAMETERS.fullmatch(parameters):
            return None
        argument = item[0] if item is not None else b""
        if argument == b"?0" or (key[0] in _NUMBERS and not _DIGITS.fullmatch(argument)):
            found.pop(key[0], None)
        else:
            found[key[0]] = b"" if argument == b"?1" else argument.strip(b'"')
    return found or None


def _members(value: bytes) -> list[bytes]:
    """The parts between commas that are not inside strings."""
    parts, at = [], 0
    while True:
        match = _MEMBER.match(value, at)
        assert match is not None  # it matches nothing at all, too
        parts.append(match[0].strip(b" \t"))
        if match.end() == len(value):
            return parts
        at = match.end() + 1


def seconds(directives: Directives, name: bytes) -> int | None:
    """A directive's delta-seconds; None when it is not there, 0 when it cannot be read (RFC 9111 section 4.2.1)."""
    text = directives.get(name)
    if text is None:
        return None
    return min(int(text.lstrip(b"0")[:12] or b"0"), MOST_SECONDS) if _DIGITS.fullmatch(text) else 0


def field_names(argument: bytes) -> frozenset[bytes]:
    """The names of a qualified no-cache or private, in lower case (RFC 9111 sections 5.2.2.4 and 5.2.2.7)."""
    return frozenset(name.strip(b" \t").lower() for name in argument.split(b",")) - {b""}


def of_request(values: Mapping[bytes, bytes]) -> Directives:
    """A request's directives; Pragma: no-cache stands in for Cache-Control where that is missing (section 5.4)."""
    control = values.get(b"cache-control")
    if control is not None:
        return parse(control)
    return {b"no-cache": b""} if b"no-cache" in parse(values.get(b"pragma", b"")) else {}


def of_response(values: Mapping[bytes, bytes]) -> Directives:
    """A response's directives: those for caches near the service go before those for all (RFC 9213 section 2.2)."""
    targeted = values.get(b"cdn-cache-control")
    found = parse_targeted(targeted) if targeted is not None else None
    return found if found is not None else parse(values.get(b"cache-control", b""))
