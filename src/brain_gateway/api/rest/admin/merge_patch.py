"""JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def merge(document: Document, patch: Document) -> Document:
    """The patched document: members of `patch` take the place of those there, null takes them out, objects are merged.
    Neither argument is changed."""
    merged = dict(document)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            known = merged.get(name)
            merged[name] = merge(known if isinstance(known, dict) else {}, value)
        else:
            merged[name] = value
    return merged
