"""The composition root: what names concrete adapters. Opens in order, closes in reverse."""

from brain_gateway.bootstrap.gateway import Gateway, open_gateway
from brain_gateway.bootstrap.preload import preload

__all__ = ["Gateway", "open_gateway", "preload"]
