"""From a response to what is stored of it, and what a 304 makes of that (RFC 9111 3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from brain_gateway.domain.http.caching import freshness
from brain_gateway.domain.http.caching.dates import format_date, parse_date
from brain_gateway.domain.http.caching.directives import Directives, field_names, of_response, seconds
from brain_gateway.domain.http.caching.selection import FieldValue, selector, vary_names
from brain_gateway.domain.http.caching.stored import StoredResponse
from brain_gateway.domain.http.caching.validation import merged
from brain_gateway.domain.http.caching.values import combined, firsts

# s-maxage means proxy-revalidate, too (RFC 9111 section 5.2.2.10).
_STRICT = (b"must-revalidate", b"proxy-revalidate", b"s-maxage")
_SINGLE = (b"date", b"expires", b"age", b"last-modified", b"etag")
_NOT_KEPT = frozenset((b"age", b"content-length", b"proxy-authentication-info"))
_BODILESS = (204, 205)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When a response was asked for and came (unix seconds), what selects it, and what the route's owner adds."""

    asked: float
    received: float
    base: bytes
    value_of: FieldValue
    default_ttl: float | None = None
    stale_if_error: float = 0.0


def store(
    status: int,
    status_line: bytes,
    lines: Iterable[bytes],
    cors: Iterable[bytes],
    around: Circumstances,
) -> StoredResponse:
    """A response that may be stored, before its body is here. Hop-by-hop fields are gone already."""
    lines = list(lines)
    values, single = combined(lines), firsts(lines, _SINGLE)
    directives = of_response(values)
    left_out = (
        _NOT_KEPT
        | field_names(directives.get(b"no-cache", b""))
        | field_names(directives.get(b"private", b""))
    )
    kept = [line for line in lines if _name(line) not in left_out]
    if b"date" not in single:
        kept.append(b"Date: " + format_date(around.received))  # RFC 9110 section 6.6.1
    date = parse_date(single.get(b"date", b""), around.received)
    vary = vary_names(values)
    return StoredResponse(
        status=status,
        status_line=status_line,
        lines=tuple(kept),
        cors=tuple(cors),
        body=b"",
        received=around.received,
        initial_age=freshness.initial_age(single, around.asked, around.received),
        lifetime=freshness.lifetime(status, directives, single, around.received, around.default_ttl),
        validate=directives.get(b"no-cache") == b"",
        strict=any(name in directives for name in _STRICT),
        stale_if_error=_or(directives, b"stale-if-error", around.stale_if_error),
        stale_while_revalidate=_or(directives, b"stale-while-revalidate", 0.0),
        etag=single.get(b"etag", b""),
        last_modified=single.get(b"last-modified", b""),
        date=around.received if date is None else date,
        vary=vary,
        selector=selector(vary, around.base, around.value_of),
    )


def with_body(stored: StoredResponse, body: bytes) -> StoredResponse:
    """The same with its body, and the length of that."""
    if stored.status in _BODILESS:
        return stored
    return replace(stored, body=body, lines=(*stored.lines, b"Content-Length: %d" % len(body)))


def _or(directives: Directives, name: bytes, otherwise: float) -> float:
    stated = seconds(directives, name)
    return otherwise if stated is None else float(stated)


def freshen(stored: StoredResponse, lines: list[bytes], around: Circumstances) -> StoredResponse:
    """What a 304 with these lines makes of a stored response."""
    together = merged(stored.lines, lines)
    if not any(_name(line) == b"date" for line in lines):
        together = [
            line for line in together if _name(line) != b"date"
        ]  # the old one says nothing of this answer
    age = [line for line in lines if _name(line) == b"age"]
    return with_body(
        store(stored.status, stored.status_line, [*together, *age], stored.cors, around), stored.body
    )


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()
