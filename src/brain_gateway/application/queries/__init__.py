"""What reads the control plane: queries, each with its handler in one plain table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from brain_gateway.application.bus import Query, QueryHandler
from brain_gateway.application.queries.administration import (
    GetTenantQuery,
    ListApiKeysQuery,
    ListLimitsQuery,
    ListTenantsQuery,
    get_tenant,
    list_api_keys,
    list_limits,
    list_tenants,
)
from brain_gateway.application.queries.audit import ListAuditQuery, VerifyAuditQuery, list_audit, verify_audit
from brain_gateway.application.queries.configuration import (
    ExportConfigurationQuery,
    PlanConfigurationQuery,
    export_configuration,
    plan_configuration,
)
from brain_gateway.application.queries.events import ListEventsQuery, list_events
from brain_gateway.application.queries.services import (
    GetServiceQuery,
    ListServicesQuery,
    get_service,
    list_services,
)

HANDLERS: Mapping[type[Query[Any]], QueryHandler] = MappingProxyType(
    {
        GetServiceQuery: get_service,
        ListServicesQuery: list_services,
        GetTenantQuery: get_tenant,
        ListTenantsQuery: list_tenants,
        ListApiKeysQuery: list_api_keys,
        ListLimitsQuery: list_limits,
        ListAuditQuery: list_audit,
        VerifyAuditQuery: verify_audit,
        ListEventsQuery: list_events,
        PlanConfigurationQuery: plan_configuration,
        ExportConfigurationQuery: export_configuration,
    }
)
