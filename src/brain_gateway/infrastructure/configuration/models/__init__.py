"""gateway.yaml as pydantic models: the shape, the defaults and the JSON Schema come from here."""

from brain_gateway.infrastructure.configuration.models.file import GatewayFile

__all__ = ["GatewayFile"]
