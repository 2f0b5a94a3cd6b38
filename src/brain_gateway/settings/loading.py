"""From environment variables to Settings, or to one error that names every wrong variable."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings.addresses import masked_url
from brain_gateway.settings.documentation import SettingDescription, describe_settings
from brain_gateway.settings.model import Settings
from brain_gateway.settings.rules import refusals


def load_settings(
    environ: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """The settings of this process.

    `environ` is os.environ unless given; `overrides` are values by variable name that win over it (options of
    the command line; None means not given). Raises ConfigurationError whose `faults` name each wrong
    variable, its value (never a secret's) and what is allowed, and each refusal of the profile.
    """
    values = dict(os.environ if environ is None else environ)
    values.update({name: str(value) for name, value in (overrides or {}).items() if value is not None})
    try:
        settings, wrong = _read(values), {}
    except ValidationError as error:
        details = {str(detail["loc"][0]): detail for detail in reversed(error.errors())}
        wrong = {name: detail for name, detail in details.items() if name in values}
        settings = _read({name: value for name, value in values.items() if name not in wrong})
    described = {about.variable: about for about in describe_settings()}
    faults = [_fault(described[name], values[name], wrong[name]) for name in wrong]
    faults += [text for rule, text in refusals(settings) if not wrong.keys() & rule.depends_on]
    if faults:
        raise ConfigurationError(faults=tuple(sorted(faults)))
    return settings


def _read(values: Mapping[str, str]) -> Settings:
    source = EnvSettingsSource(Settings, case_sensitive=True, env_ignore_empty=True)
    source.env_vars = {name: value for name, value in values.items() if value.strip()}
    return Settings.model_validate(source())


def _fault(about: SettingDescription, value: str, detail: ErrorDetails) -> str:
    visible = masked_url(value) if "://" in value else value
    shown = about.variable if about.secret else f"{about.variable}={visible}"
    raised = detail.get("ctx", {}).get("error")
    reason = f" ({raised})" if raised and not str(raised).startswith("must be") else ""
    return f"{shown}: must be {about.allowed}{reason}{_kubernetes_hint(about.variable, value)}"


def _kubernetes_hint(variable: str, value: str) -> str:
    """Kubernetes sets NAME_PORT=tcp://... for a Service called NAME, which meets BRAIN_GATEWAY_PORT."""
    if variable == "BRAIN_GATEWAY_PORT" and value.startswith("tcp://"):
        return "; Kubernetes set this for a Service of that name: set enableServiceLinks: false in the pod"
    return ""
