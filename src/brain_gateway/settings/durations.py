"""Lengths of time as people write them: `60`, `"60s"`, `"1m30s"`, `"500ms"`."""

from __future__ import annotations

import math
import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")

DURATION_PATTERN = rf"^(?:{_NUMBER.pattern}|(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+)$"
"""The same grammar for JSON Schema (ECMA 262 dialect)."""

_MUST = 'must be a duration: seconds as a number, or "500ms", "60s", "1m30s", "2h", "1d"'


def parse_duration(value: object) -> float:
    """Seconds of `value`: a number >= 0 is taken as seconds, a text as numbers with units.

    Raises ValueError with the allowed forms for anything else (negative, infinite, boolean, unknown unit).
    """
    if isinstance(value, str):
        seconds = _from_text(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) < 1e15 else math.inf
    else:
        raise ValueError(_MUST)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(_MUST)
    return seconds


def _from_text(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _WHOLE.fullmatch(text):
        raise ValueError(_MUST)
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
