"""What reads the control plane: queries, each with its handler in one plain table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from brain_gateway.application.bus import Query, QueryHandler
from brain_gateway.application.queries.administration import (
    GetApiKeyQuery,
    GetLimitQuery,
    GetTenantQuery,
    ListApiKeysQuery,
    ListLimitsQuery,
    ListTenantsQuery,
    get_api_key,
    get_limit,
    get_tenant,
    list_api_keys,
    list_limits,
    list_tenants,
)
from brain_gateway.application.queries.audit import (
    AuditHeadQuery,
    ListAuditQuery,
    VerifyAuditQuery,
    audit_head,
    list_audit,
    verify_audit,
)
from brain_gateway.application.queries.configuration import (
    ExportConfigurationQuery,
    PlanConfigurationQuery,
    export_configuration,
    plan_configuration,
)
from brain_gateway.application.queries.events import (
    KeptEventsQuery,
    LastEventQuery,
    ListEventsQuery,
    ListSharedEventsQuery,
    kept_events,
    last_event,
    list_events,
    list_shared_events,
)
from brain_gateway.application.queries.integrations import (
    GetIntegrationQuery,
    ListIntegrationsQuery,
    get_integration,
    list_integrations,
)
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
        GetApiKeyQuery: get_api_key,
        ListApiKeysQuery: list_api_keys,
        GetLimitQuery: get_limit,
        ListLimitsQuery: list_limits,
        GetIntegrationQuery: get_integration,
        ListIntegrationsQuery: list_integrations,
        AuditHeadQuery: audit_head,
        ListAuditQuery: list_audit,
        VerifyAuditQuery: verify_audit,
        LastEventQuery: last_event,
        ListEventsQuery: list_events,
        ListSharedEventsQuery: list_shared_events,
        KeptEventsQuery: kept_events,
        PlanConfigurationQuery: plan_configuration,
        ExportConfigurationQuery: export_configuration,
    }
)
