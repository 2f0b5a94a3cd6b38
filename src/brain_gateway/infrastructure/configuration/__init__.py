"""gateway.yaml: reading, checking, and what it becomes."""

from brain_gateway.infrastructure.configuration.json_schema import schema_text
from brain_gateway.infrastructure.configuration.loader import load_configuration, parse_configuration

__all__ = ["load_configuration", "parse_configuration", "schema_text"]
