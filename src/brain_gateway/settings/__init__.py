"""Settings: what the environment decides."""

from brain_gateway.settings.development import with_development_secret
from brain_gateway.settings.fields import Network, Profile
from brain_gateway.settings.loading import load_settings
from brain_gateway.settings.model import Settings
from brain_gateway.settings.own_secrets import Look, OwnSecrets
from brain_gateway.settings.resolution import has_references, lost_references, resolve_secret_references
from brain_gateway.settings.rules import warnings
from brain_gateway.settings.spelling import misspelt_variables

__all__ = [
    "Look",
    "Network",
    "OwnSecrets",
    "Profile",
    "Settings",
    "has_references",
    "load_settings",
    "lost_references",
    "misspelt_variables",
    "resolve_secret_references",
    "warnings",
    "with_development_secret",
]
