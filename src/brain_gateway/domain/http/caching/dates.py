"""HTTP dates (RFC 9110 section 5.6.7) as caches should read them: in any case, in GMT alone (RFC 9111 section 4.2)."""

from __future__ import annotations

import calendar
import re
from time import gmtime, strftime

_MONTHS = {name: at for at, name in enumerate(
    (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1)}  # fmt: skip
_DAY = rb"(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG_DAY = rb"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_MONTH = rb"(?P<month>" + b"|".join(_MONTHS) + rb")"
_TIME = rb"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        _DAY + rb", (?P<day>[0-9]{2}) " + _MONTH + rb" (?P<year>[0-9]{4}) " + _TIME + rb" gmt",
        _LONG_DAY + rb", (?P<day>[0-9]{2})-" + _MONTH + rb"-(?P<short>[0-9]{2}) " + _TIME + rb" gmt",
        _DAY + rb" " + _MONTH + rb" (?P<day>[0-9]{2}| [0-9]) " + _TIME + rb" (?P<year>[0-9]{4})",
    )
)
_FIFTY_YEARS = 50 * 365.25 * 86400


def parse_date(value: bytes, now: float) -> float | None:
    """Unix seconds, None for what is no HTTP-date; `now` decides the century of years with two digits."""
    text = value.strip(b" \t").lower()
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _seconds(match.groupdict(), now)
    return None


def _seconds(parts: dict[str, bytes], now: float) -> float | None:
    month, day = _MONTHS[parts["month"]], int(parts["day"])
    hour, minute, second = (int(parts[name]) for name in ("hour", "minute", "second"))
    short = parts.get("short")
    year = int(parts["year"]) if short is None else _century(now) + int(short)
    if (
        year < 1
        or not 1 <= day <= calendar.monthrange(year, month)[1]
        or hour > 23
        or minute > 59
        or second > 60
    ):
        return None
    found = calendar.timegm((year, month, day, hour, minute, second))
    if short is not None and found > now + _FIFTY_YEARS:
        found = calendar.timegm(
            (year - 100, month, min(day, 28 if month == 2 else day), hour, minute, second)
        )
    return float(found)


def _century(now: float) -> int:
    return gmtime(now).tm_year // 100 * 100


def format_date(now: float) -> bytes:
    """IMF-fixdate; `now` in unix seconds."""
    moment = gmtime(now)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.tm_wday]
    month = [name.decode().capitalize() for name in _MONTHS][moment.tm_mon - 1]
    return f"{day}, {moment.tm_mday:02d} {month} {strftime('%Y %H:%M:%S', moment)} GMT".encode()
