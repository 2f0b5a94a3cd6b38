"""Entity tags and what depends on them (RFC 9110 sections 8.8.3 and 13)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from brain_gateway.domain.errors import PreconditionFailed

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
ANY = "*"


def entity_tag(name: str, version: int) -> str:
    """The strong tag of a version of what `name` identifies."""
    return f'"{name}.{version}"'


def tags_of(field: str) -> list[str]:
    """The strong tags of a field's value, without their quotes; `*` alone stands for itself."""
    if field.strip() == ANY:
        return [ANY]
    return [match[2] for match in _TAG.finditer(field) if not match[1]]


def expected_version(field: str | None, name: str, current: int | None = None) -> int | None:
    """The version that If-Match asks for: None when it does not matter.

    `current` is the present version; it is needed where several tags are given. Raises PreconditionFailed when none of
    them can be of what `name` identifies.
    """
    if field is None:
        return None
    tags = tags_of(field)
    if ANY in tags:
        return None
    versions = _versions(tags, name)
    if not versions:
        raise PreconditionFailed("If-Match names no version of this resource: read it again")
    if current in versions:
        return current
    return max(versions)


def is_known(field: str | None, tag: str) -> bool:
    """Whether If-None-Match says that the caller has this version already. Compared weakly (section 13.1.2)."""
    if field is None:
        return False
    if field.strip() == ANY:
        return True
    return any(f'"{match[2]}"' == tag for match in _TAG.finditer(field))


def several(field: str | None) -> bool:
    """Whether If-Match names more than one tag, so that the present version must be known first."""
    return field is not None and len(tags_of(field)) > 1


def _versions(tags: Sequence[str], name: str) -> list[int]:
    found = []
    for tag in tags:
        stem, _, version = tag.rpartition(".")
        if stem == name and _VERSION.fullmatch(version):
            found.append(int(version))
    return found
