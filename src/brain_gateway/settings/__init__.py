"""Settings: what the environment decides. Imports the domain's errors only."""

from brain_gateway.settings.development import with_development_secret
from brain_gateway.settings.fields import Network, Profile
from brain_gateway.settings.loading import load_settings
from brain_gateway.settings.model import Settings
from brain_gateway.settings.rules import warnings
from brain_gateway.settings.spelling import misspelt_variables

__all__ = [
    "Network",
    "Profile",
    "Settings",
    "load_settings",
    "misspelt_variables",
    "warnings",
    "with_development_secret",
]
