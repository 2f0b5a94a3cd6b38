"""Settings as rows: for `brain-gateway settings`, for docs/settings.md and for faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from inspect import get_annotations
from typing import cast

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from brain_gateway.settings.addresses import masked_url
from brain_gateway.settings.fields import Profile
from brain_gateway.settings.model import Settings
from brain_gateway.settings.references import is_reference, without_references


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDescription:
    """One variable: its name, the attribute of Settings, and what docs/settings.md says about it."""

    variable: str
    attribute: str
    group: str
    description: str
    default: str
    allowed: str
    unit: str
    secret: bool
    masks_password_only: bool


@cache
def describe_settings() -> tuple[SettingDescription, ...]:
    """Every setting, group by group in the order of declaration."""
    return tuple(_describe(name, field) for name, field in Settings.model_fields.items())


def shown_value(about: SettingDescription, settings: Settings) -> str:
    """The value as text: unset is "", a secret is ****, of a URL only the password is masked."""
    value = getattr(settings, about.attribute)
    if isinstance(value, SecretStr):
        return _shown_secret(value.get_secret_value(), about.masks_password_only)
    return _text(value)


def _shown_secret(text: str, password_only: bool) -> str:
    """A reference holds no secret; a URL is shown with the shape that it has."""
    if is_reference(text):
        return text
    return masked_url(without_references(text)) if password_only else "****"


def _describe(attribute: str, field: FieldInfo) -> SettingDescription:
    about = cast("dict[str, str]", field.json_schema_extra)
    secret = "SecretStr" in repr(field.annotation)
    return SettingDescription(
        variable=cast("str", field.alias),
        attribute=attribute,
        group=_group(attribute),
        description=field.description or "",
        default=about["shown"] or _text(field.default) or "unset",
        allowed=about["allowed"],
        unit=about["unit"],
        secret=secret,
        masks_password_only=secret and attribute.endswith("_url"),
    )


def _group(attribute: str) -> str:
    """The first line of the group class that declares `attribute`."""
    owner = next(base for base in Settings.__mro__ if attribute in get_annotations(base))
    return (owner.__doc__ or "").partition("\n")[0].rstrip(".")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return value.value if isinstance(value, Profile) else str(value)
