"""Route patterns: "/campaigns/{id:int}/items/{name}".

A pattern is a path of segments. A segment is literal text, or one parameter that fills it: {name} or
{name:type} with a type of `parameter_type.py` (default str). A `path` parameter takes the rest of the path,
also nothing, and is last: "/files/{rest:path}" matches "/files", "/files/a" and "/files/a/b".

Paths are compared in normal form, so that two spellings that a service reads alike meet the same policy:
percent escapes decoded as UTF-8 except %2F (data, not structure), one slash for several, none at the end.
Literals of a pattern may be written either way: "/caf%C3%A9" is "/café".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.parameter_type import (
    PARAMETER_TYPES,
    RANK_LITERAL,
    RANK_PATH,
    ParameterType,
    ParameterValue,
    share_a_text,
)

MAX_SEGMENTS = 64
MAX_LENGTH = 2000
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z0-9_]*))?\}")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SLASH = re.compile(r"%2[Ff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Segment(NamedTuple):
    """One segment: literal text in normal form (`type` None), or a parameter whose name is `text`."""

    text: str
    type: ParameterType | None

    @property
    def rank(self) -> int:
        """How specific it is: literal > typed > str > path."""
        return RANK_LITERAL if self.type is None else self.type.rank


@dataclass(frozen=True, slots=True)
class RoutePattern:
    """A pattern, parsed once. Raises ConfigurationError that says where `text` is wrong."""

    text: str
    segments: tuple[Segment, ...] = field(init=False, repr=False, compare=False, default=())
    specificity: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())
    _captures: tuple[tuple[int, Segment], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        segments = _parse(self.text)
        ranks = tuple(segment.rank for segment in segments)
        # the end of the path counts as a literal, so that "/files" goes before "/files/{rest:path}"
        end = () if ranks[-1] == RANK_PATH else (RANK_LITERAL,)
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "specificity", ranks + end)
        captures = tuple((at, segment) for at, segment in enumerate(segments) if segment.type is not None)
        object.__setattr__(self, "_captures", captures)

    @property
    def literal(self) -> str | None:
        """The only path that it matches, in normal form; None when it has parameters."""
        return None if self._captures else "/" + "/".join(segment.text for segment in self.segments)

    def match(self, path: str) -> dict[str, ParameterValue] | None:
        """The parameters when the whole of `path` matches, else None."""
        found = _compiled(self.segments).fullmatch(path)
        if found is None:
            return None
        return {
            segment.text: segment.type.convert(text or "")
            for (_, segment), text in zip(self._captures, found.groups(), strict=True)
            if segment.type is not None
        }

    def parameters_of(self, segments: list[str]) -> dict[str, ParameterValue]:
        """The parameters in the segments of a path that is known to match."""
        return {
            text: kind.convert("/".join(segments[at:]) if kind.rank == RANK_PATH else segments[at])
            for at, (text, kind) in self._captures
            if kind is not None
        }

    def overlaps(self, other: RoutePattern) -> bool:
        """Whether some path matches both with the same specificity: a tie."""
        return self.specificity == other.specificity and all(map(_can_meet, self.segments, other.segments))

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=1024)
def _compiled(segments: tuple[Segment, ...]) -> re.Pattern[str]:
    """As an expression; made when it is asked for: a large registry's matchers never do."""
    return re.compile("".join(map(_expression, segments, range(len(segments)))))


def _expression(segment: Segment, at: int) -> str:
    if segment.type is None:
        return "/" + re.escape(segment.text)
    group = f"/({segment.type.expression.pattern})"
    return f"(?:{group})?" if at and segment.rank == RANK_PATH else group


def _can_meet(one: Segment, other: Segment) -> bool:
    if one.type is None or other.type is None:
        return one == other
    return share_a_text(one.type, other.type)


def _parse(text: str) -> tuple[Segment, ...]:
    if not text.startswith("/"):
        raise ConfigurationError(f'route pattern "{text}": a pattern starts with /')
    if len(text) > MAX_LENGTH:
        raise ConfigurationError(f'route pattern "{text[:80]}...": more than {MAX_LENGTH} characters')
    parts = text[1:].split("/")
    if len(parts) > MAX_SEGMENTS:
        raise ConfigurationError(f'route pattern "{text[:80]}...": more than {MAX_SEGMENTS} segments')
    segments: list[Segment] = []
    column = 2  # of the segment, counted from 1
    for at, part in enumerate(parts):
        fault = _fault(part, last=at == len(parts) - 1, taken=segments)
        if fault:
            raise ConfigurationError(f'route pattern "{text}", column {column}: {fault}')
        segments.append(_segment(part))
        column += len(part) + 1
    return tuple(segments)


def _segment(part: str) -> Segment:
    found = _PARAMETER.fullmatch(part)
    if found is None:
        return Segment(_normal(part), None)
    return Segment(found[1], PARAMETER_TYPES[found[2] or "str"])


def _normal(part: str) -> str:
    """Literal text with its escapes decoded, an encoded slash kept. Raises UnicodeDecodeError."""
    return "%2F".join(unquote(piece, errors="strict") for piece in _SLASH.split(part))


def _fault(part: str, *, last: bool, taken: list[Segment]) -> str:
    """What is wrong with one segment; empty when nothing is."""
    if "{" in part or "}" in part:
        return _parameter_fault(part, last, taken)
    if not part:
        return "" if last and not taken else "an empty segment; write one / only, and none at the end"
    if "?" in part or "#" in part:
        return "a pattern has no query and no fragment; write ? as %3F and # as %23 if they are data"
    if _BROKEN_ESCAPE.search(part):
        return "% is followed by two hex digits, or written %25"
    try:
        text = _normal(part)
    except UnicodeDecodeError:
        return f'"{part}": the percent escapes are not UTF-8'
    if text in (".", ".."):
        return f'"{part}" never reaches a service; remove it'
    return f'"{part}" has a control character' if _CONTROL.search(text) else ""


def _parameter_fault(part: str, last: bool, taken: list[Segment]) -> str:
    found = _PARAMETER.fullmatch(part)
    if found is None:
        return f'"{part}": a parameter fills a whole segment and is written {{name}} or {{name:type}}'
    name, kind = found[1], found[2]
    if kind is not None and kind not in PARAMETER_TYPES:
        return f'unknown type "{kind}" of parameter "{name}"; use one of {", ".join(PARAMETER_TYPES)}'
    if kind == "path" and not last:
        return f'parameter "{name}" takes the rest of the path, so it must be last'
    if any(segment.type is not None and segment.text == name for segment in taken):
        return f'parameter "{name}" occurs twice'
    return ""
