"""The packaged services under the file's own: mappings are merged key by key, everything else is replaced."""

from __future__ import annotations

from collections.abc import Mapping

Values = dict[str, object]


def deep_merge(base: Mapping[str, object], over: Mapping[str, object]) -> Values:
    """`base` with `over` on top. A null in `over` is kept: it means back to the default."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = deep_merge(below, value)
        else:
            merged[key] = value
    return merged


def with_packaged(values: Mapping[str, object], packaged: Mapping[str, object]) -> Values:
    """The file's `values` with `packaged` services below its own. `name: null` takes a packaged service out.

    Values of the wrong shape pass unchanged: validation says what is wrong with them.
    """
    own = values.get("services") or {}
    if values.get("packaged_services") in _NO or not isinstance(own, Mapping):
        return dict(values)
    services = deep_merge(packaged, own)
    for name in packaged:
        if services[name] is None:
            del services[name]
    return {**values, "services": services}


_NO = (False, "false", "False", "no", "off", "0", 0)
