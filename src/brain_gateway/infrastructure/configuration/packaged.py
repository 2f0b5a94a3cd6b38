"""The services that come with the gateway: catalogue/services.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import cast

from brain_gateway.infrastructure.configuration.document import Document
from brain_gateway.settings import Profile


@dataclass(frozen=True, slots=True)
class PackagedServices:
    """The packaged services as values of the file's `services` key, and where each profile expects them."""

    services: dict[str, object]
    host_templates: dict[str, str]

    def host_template(self, profile: Profile) -> str:
        """Where a service without targets of its own lives."""
        return self.host_templates[profile.value]


def packaged_services() -> PackagedServices:
    """Read afresh on each call, so that nobody changes what another one reads. Takes about 2 ms."""
    text = (files("brain_gateway") / "catalogue" / "services.yaml").read_text(encoding="utf-8")
    values = cast("dict[str, dict[str, object]]", Document(text, {}).values)
    return PackagedServices(values["services"], cast("dict[str, str]", values["host_templates"]))
