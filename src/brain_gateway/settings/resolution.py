"""From settings that refer to secrets to settings that hold them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr, ValidationError

from brain_gateway.application.ports.secrets import Secrets, StoredSecret
from brain_gateway.domain.errors import ConfigurationError, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath, SecretReference
from brain_gateway.settings.documentation import SettingDescription, describe_settings
from brain_gateway.settings.model import Settings
from brain_gateway.settings.references import filled, references_in
from brain_gateway.settings.rules import refusals

OWN = frozenset(("SECRETS_KEY", "VAULT_TOKEN", "VAULT_SECRET_ID"))
"""What opens the store of secrets cannot come from it."""


def has_references(settings: Settings) -> bool:
    """Whether anything is to be looked up."""
    return any(True for _ in _referring(settings))


async def resolve_secret_references(settings: Settings, secrets: Secrets) -> Settings:
    """`settings` with what they refer to now; bounds and the profile's rules hold for the values that were found.

    Raises ConfigurationError with a line for each variable that is wrong: what it refers to, and why that is not
    to be had. No line holds a secret. Raises SecretsUnavailable as long as it is worth waiting for the store.
    """
    known: dict[SecretPath, StoredSecret] = {}
    values: dict[str, object] = {}
    faults: list[str] = []
    for about, text, references in _referring(settings):
        for reference in references:
            fault = await _look_up(reference, secrets, known)
            if fault:
                faults.append(f"{about.variable}: refers to {reference}, {fault}")
                break
        else:
            values[about.variable] = SecretStr(filled(text, lambda one: known[one.path][one.field].reveal()))
    if faults:
        raise ConfigurationError(faults=tuple(faults))
    return _checked(settings, values) if values else settings


def lost_references(settings: Settings, reason: str) -> tuple[str, ...]:
    """A line for each variable that refers to a secret, none of which can be read now."""
    return tuple(
        f"{about.variable}: refers to {references[0]}, which cannot be read: {reason}"
        for about, _, references in _referring(settings)
    )


def _referring(settings: Settings) -> Iterator[tuple[SettingDescription, str, tuple[SecretReference, ...]]]:
    for about in describe_settings():
        value = getattr(settings, about.attribute)
        if isinstance(value, SecretStr) and about.variable not in OWN:
            text = value.get_secret_value()
            references = references_in(text, within=about.masks_password_only)
            if references:
                yield about, text, references


async def _look_up(
    reference: SecretReference, secrets: Secrets, known: dict[SecretPath, StoredSecret]
) -> str | None:
    """Read the secret unless it is known; what is wrong with it, or None. Raises SecretsUnavailable."""
    try:
        secret = known.get(reference.path) or await secrets.read(reference.path, anew=True)
        known[reference.path] = secret
    except SecretNotFound:
        return "which is not stored; `brain-gateway secrets set NAME FIELD` stores it"
    except SecretsUnavailable as error:
        if not error.refused:
            raise
        return f"which cannot be read: {error.detail}"
    return None if reference.field in secret else "which has no such field"


def _checked(settings: Settings, values: dict[str, object]) -> Settings:
    described = {about.variable: about for about in describe_settings()}
    present = {about.variable: getattr(settings, about.attribute) for about in described.values()}
    try:
        resolved = Settings.model_validate(present | values)
    except ValidationError as error:
        wrong = sorted({str(detail["loc"][0]) for detail in error.errors(include_input=False)})
        # From None: pydantic's error holds the values.
        raise ConfigurationError(
            faults=tuple(
                f"{name}: must be {described[name].allowed}; what it refers to is not" for name in wrong
            )
        ) from None
    refused = tuple(text for rule, text in refusals(resolved) if values.keys() & rule.depends_on)
    if refused:
        raise ConfigurationError(faults=refused)
    return resolved
