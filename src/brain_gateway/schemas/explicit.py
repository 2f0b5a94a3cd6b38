"""A whole configuration as one document in the language of gateway.yaml, that needs nothing beside it: no packaged
services, no host template, no environment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.policies import ProbePolicy
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.schemas.rendering import Document, document_of

_USUAL_INTERVAL = ProbePolicy().interval
_SERVICE = "service:"


def configuration_document(
    configuration: GatewayConfiguration, health_check_interval: float = _USUAL_INTERVAL
) -> Document:
    """What `configuration` declares. Building it again, with the same interval, gives an equal configuration.

    `health_check_interval`: seconds between probes where the reader decides; probes with another are told theirs.
    """
    limits = {name: document_of(limit) for name, limit in configuration.own_limits()}
    services: Document = {}
    tenants: defaultdict[str, Document] = defaultdict(dict)
    for tenant_id, name in configuration.tenants.items():
        tenants[tenant_id].update({} if name == tenant_id else {"name": name})
    for service in configuration.services:
        entry = service_entry(service, health_check_interval)
        if service.tenant_id is None:
            services[service.name] = entry
        else:
            tenants[service.tenant_id].setdefault("services", {})[service.name] = entry
    for tenant_id, own in _by_tenant(configuration.tenant_limits).items():
        tenants[tenant_id]["limits"] = own
    for record in configuration.api_keys:
        tenants[record.tenant_id].setdefault("api_keys", []).append(document_of(record))
    parts = {"label": configuration.label, "limits": limits, "services": services, "tenants": dict(tenants)}
    return _literal({"packaged_services": False, **{name: part for name, part in parts.items() if part}})


def _literal(document: Document) -> Document:
    """Texts of gateway.yaml take values from the environment by ${NAME}; $${ stands for ${."""
    if b"${" not in orjson.dumps(document):
        return document
    return {name: _escaped(value) for name, value in document.items()}


def _escaped(value: Any) -> Any:  # noqa: ANN401 - any value of a document
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return {name: _escaped(one) for name, one in value.items()} if isinstance(value, dict) else value


def service_entry(service: ServiceRoute, health_check_interval: float) -> Document:
    """The entry of a service, with the interval of its probe unless that is what the reader takes anyway."""
    entry = document_of(service)
    interval = service.probe.interval
    if interval == health_check_interval:
        probe = {key: value for key, value in entry.pop("probe", {}).items() if key != "interval"}
        return {**entry, "probe": probe} if probe else entry
    if interval == _USUAL_INTERVAL:
        return {**entry, "probe": {**entry.get("probe", {}), "interval": interval}}
    return entry


def _by_tenant(limits: Mapping[tuple[str, str], RateLimit]) -> dict[str, Document]:
    tenants: defaultdict[str, Document] = defaultdict(dict)
    for (tenant_id, name), limit in limits.items():
        if name.startswith(_SERVICE):
            services = tenants[tenant_id].setdefault("services", {})
            services[name.removeprefix(_SERVICE)] = document_of(limit)
        else:
            tenants[tenant_id][name] = document_of(limit)
    return tenants
