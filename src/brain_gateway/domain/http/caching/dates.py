"""HTTP dates (RFC 9110 section 5.6.7) as caches should read them: in any case, in GMT alone (RFC 9111 section 4.2)."""

from __future__ import annotations

import calendar
import re

_MONTHS = {name: at for at, name in enumerate(
    (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1)}  # fmt: skip
_NAMES = [name.capitalize() for name in _MONTHS]
_DAYS = (b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed")
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
    return _civil(int(now // 86400))[0] // 100 * 100


def _civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month of a day since 1970-01-01, in the Gregorian calendar of all times."""
    day += 719468  # to 0000-03-01, after which leap days come last
    era, of_era = divmod(day, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    month = march + 3 if march < 10 else march - 9
    return era * 400 + year + (month <= 2), month, of_year - (153 * march + 2) // 5 + 1


def format_date(now: float) -> bytes:
    """IMF-fixdate; `now` in unix seconds."""
    days, second = divmod(int(now), 86400)
    year, month, day = _civil(days)
    hours, minutes = divmod(second // 60, 60)
    return b"%b, %02d %b %04d %02d:%02d:%02d GMT" % (
        _DAYS[days % 7], day, _NAMES[month - 1], year, hours, minutes, second % 60,
    )  # fmt: skip
