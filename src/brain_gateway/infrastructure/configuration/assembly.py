"""What the file as a whole must hold, and the domain objects that it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.domain.errors import Conflict, GatewayError
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.infrastructure.configuration.document import Document
from brain_gateway.infrastructure.configuration.validation import Reading
from brain_gateway.schemas.building import ServiceBuilder, api_key_record, limit_classes, tenant_limits
from brain_gateway.schemas.checks import findings, ties
from brain_gateway.schemas.faults import Fault, Path
from brain_gateway.schemas.file import GatewayFile
from brain_gateway.schemas.service import ServiceModel


class Assembly:
    """Assembles what could be read. `faults` begins with those of the reading and grows."""

    def __init__(self, reading: Reading, document: Document, builder: ServiceBuilder) -> None:
        self._reading = reading
        self._document = document
        self._builder = builder
        self.faults = reading.faults

    def configuration(self) -> GatewayConfiguration:
        """The domain objects; not to be used when there are faults afterwards."""
        file = self._reading.file or GatewayFile()
        tenants = file.tenants or {}
        return GatewayConfiguration(
            services=tuple(self._services(file)),
            limit_classes=limit_classes(file.limits),
            api_keys=tuple(self._api_keys(file)),
            tenants=MappingProxyType(
                {tenant_id: tenant.name or tenant_id for tenant_id, tenant in tenants.items()}
            ),
            tenant_limits=MappingProxyType(
                {
                    (tenant_id, name): limit
                    for tenant_id, tenant in tenants.items()
                    for name, limit in tenant_limits(tenant.limits)
                }
            ),
            label=file.label,
        )

    def _services(self, file: GatewayFile) -> Iterator[ServiceRoute]:
        for name, model in (file.services or {}).items():
            if model is None:
                self._fault(
                    ("services", name),
                    "is empty: give it a port or targets (only packaged services are taken out)",
                )
            else:
                yield from self._service(("services", name), model, None)
        for tenant_id, tenant in (file.tenants or {}).items():
            for name, model in (tenant.services or {}).items():
                yield from self._service(("tenants", tenant_id, "services", name), model, tenant_id)

    def _service(self, path: Path, model: ServiceModel, tenant_id: str | None) -> Iterator[ServiceRoute]:
        unreadable = self._reading.unreadable.get(path, frozenset())
        before = len(self.faults)
        for below, message in findings(model, unreadable):
            self._fault((*path, *below), message)
        if self._builder.needs_port(model) and unreadable.isdisjoint({"port", "targets"}):
            self._fault(path, "has no address: give it targets, or the port that the host template asks for")
        elif len(self.faults) == before and not unreadable:
            try:
                yield self._builder.build(str(path[-1]), model, tenant_id)
                return
            except Conflict:
                pass  # told below, with the lines
            except GatewayError as error:
                self._fault(path, error.detail)
        for below, message in ties(model):
            self._fault((*path, *below), message)

    def _api_keys(self, file: GatewayFile) -> Iterator[ApiKeyRecord]:
        first: dict[str, Path] = {}
        for tenant_id, tenant in (file.tenants or {}).items():
            for index, model in enumerate(tenant.api_keys):
                path: Path = ("tenants", tenant_id, "api_keys", index, "hash")
                if first.setdefault(model.hash, path) is not path:
                    line = self._document.line(first[model.hash])
                    self._fault(
                        path, f"is the key of line {line} again: a key belongs to one user of one tenant"
                    )
                yield api_key_record(model, tenant_id)

    def _fault(self, path: Path, message: str) -> None:
        self.faults.append(Fault(self._document.line(path), path, message))
