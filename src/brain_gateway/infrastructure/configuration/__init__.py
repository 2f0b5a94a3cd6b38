"""gateway.yaml: reading, checking, and what it becomes."""

from brain_gateway.infrastructure.configuration.json_schema import schema_text
from brain_gateway.infrastructure.configuration.loader import (
    collector_paused,
    load_configuration,
    parse_configuration,
)
from brain_gateway.infrastructure.configuration.packaged import packaged_services

__all__ = [
    "collector_paused",
    "load_configuration",
    "packaged_services",
    "parse_configuration",
    "schema_text",
]
