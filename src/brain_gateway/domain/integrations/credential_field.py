"""One field of an integration's credentials, and what a value in it must look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.tenancy import Secret

FIELD_NAME = r"[a-z][a-z0-9_]{0,39}"
MAX_VALUE = 8192
"""Characters of a value; the longest tokens that vendors issue have about 2,000."""

_NAME = re.compile(FIELD_NAME, re.ASCII)
_ESCAPED_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_SET_IN_SET = re.compile(r"\[\^?\]?[^\]]*?(?:\[|--|&&|~~|\|\|)")
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")
_GROUP_REPEATED = re.compile(r"\)(?:[*+]|\{)")
_GROUP_EXTENSION = re.compile(r"\(\?(?!:)")
_BACK_REFERENCE = re.compile(r"\\[1-9]")


def _no_values() -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({})


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern is not taken, or None. What is taken matches in linear time: repeated groups, look-around
    and back references are refused, and so is more than one repetition without an upper bound.
    """
    if _SET_IN_SET.search(_ESCAPED.sub("x", pattern)):
        return "must escape [, and --, &&, ~~ and || within brackets: their meaning there will change"
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, OverflowError):
        return "is not a regular expression"
    bare = _ESCAPED_OR_CLASS.sub("x", pattern)
    if _GROUP_REPEATED.search(bare) or _GROUP_EXTENSION.search(bare) or _BACK_REFERENCE.search(pattern):
        return "must repeat no group, look neither ahead nor back, and refer to no group"
    if len(_UNBOUNDED.findall(bare)) > 1:
        return "must have at most one repetition without an upper bound: write {1,64} for the others"
    return None


@dataclass(frozen=True, slots=True)
class CredentialField:
    """A field: `secret` is shown to nobody; `pattern` is matched against the whole value (ASCII).

    `values` are the only ones allowed, when there are any, each with what depends on it (a region and its
    host), to be filled into templates as {name.attribute}. Raises ConfigurationError.
    """

    name: str
    required: bool = True
    secret: bool = True
    pattern: str | None = None
    description: str = ""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=_no_values)
    _compiled: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ConfigurationError(f"credential field {self.name!r} is not like client_id")
        fault = None if self.pattern is None else pattern_fault(self.pattern)
        if fault is not None:
            raise ConfigurationError(f"credential field {self.name}: its pattern {fault}")
        compiled = None if self.pattern is None else re.compile(self.pattern, re.ASCII)
        object.__setattr__(self, "_compiled", compiled)  # frozen: set once, here

    def fault(self, value: Secret | None) -> str | None:
        """What is wrong with `value` (None: not given), in words that never repeat it; None when it is fine."""
        if value is None:
            return f"{self.name}: is missing" if self.required else None
        text = value.reveal()
        if not text:
            return f"{self.name}: is empty"
        if len(text) > MAX_VALUE:
            return f"{self.name}: is longer than {MAX_VALUE} characters"
        if text != text.strip() or not text.isprintable():
            return f"{self.name}: has spaces around it, line breaks or control characters"
        if self.values and text not in self.values:
            return f"{self.name}: must be one of {', '.join(self.values)}"
        if self._compiled is not None and self._compiled.fullmatch(text) is None:
            hint = f" ({self.description})" if self.description else ""
            return f"{self.name}: does not look like one{hint}"
        return None
