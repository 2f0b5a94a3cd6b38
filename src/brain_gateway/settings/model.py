"""All settings in one immutable object."""

from __future__ import annotations

from brain_gateway.settings.identity import IdentitySettings
from brain_gateway.settings.observability import ObservabilitySettings
from brain_gateway.settings.secrets import SecretsSettings
from brain_gateway.settings.server import ConnectionSettings, ServerSettings
from brain_gateway.settings.stores import RegistrySettings, StoreSettings


class Settings(
    ObservabilitySettings,
    RegistrySettings,
    SecretsSettings,
    StoreSettings,
    IdentitySettings,
    ConnectionSettings,
    ServerSettings,
):
    """Every setting of the gateway, read from the environment; docs/settings.md lists them.

    A field is called like its variable in lower case, without `BRAIN_GATEWAY_`. `load_settings` makes one and
    applies the rules of the profile; Settings(port=0, ...) takes what is passed and defaults.
    """
