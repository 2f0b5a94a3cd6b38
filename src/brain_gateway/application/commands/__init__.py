"""What changes the control plane: commands in the imperative, each with its handler in one plain table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from brain_gateway.application.bus import Command, Handler
from brain_gateway.application.commands.api_keys import (
    IssueApiKeyCommand,
    RevokeApiKeyCommand,
    issue_api_key,
    revoke_api_key,
)
from brain_gateway.application.commands.cache import PurgeCacheCommand, purge_cache
from brain_gateway.application.commands.configuration import ApplyConfigurationCommand, apply_configuration
from brain_gateway.application.commands.instances import (
    ExpireInstancesCommand,
    RegisterInstanceCommand,
    RemoveInstanceCommand,
    RenewInstanceCommand,
    expire_instances,
    register_instance,
    remove_instance,
    renew_instance,
)
from brain_gateway.application.commands.limits import (
    RemoveLimitCommand,
    SetLimitCommand,
    remove_limit,
    set_limit,
)
from brain_gateway.application.commands.routes import (
    AddRouteCommand,
    RemoveRouteCommand,
    UpdateRouteCommand,
    add_route,
    remove_route,
    update_route,
)
from brain_gateway.application.commands.services import (
    DeregisterServiceCommand,
    RegisterServiceCommand,
    UpdateServiceCommand,
    deregister_service,
    register_service,
    update_service,
)
from brain_gateway.application.commands.targets import (
    AddTargetCommand,
    RemoveTargetCommand,
    WeighTargetCommand,
    add_target,
    remove_target,
    weigh_target,
)
from brain_gateway.application.commands.tenants import (
    DeleteTenantCommand,
    RegisterTenantCommand,
    UpdateTenantCommand,
    delete_tenant,
    register_tenant,
    update_tenant,
)

HANDLERS: Mapping[type[Command[Any]], Handler] = MappingProxyType(
    {
        RegisterServiceCommand: register_service,
        UpdateServiceCommand: update_service,
        DeregisterServiceCommand: deregister_service,
        AddRouteCommand: add_route,
        UpdateRouteCommand: update_route,
        RemoveRouteCommand: remove_route,
        AddTargetCommand: add_target,
        WeighTargetCommand: weigh_target,
        RemoveTargetCommand: remove_target,
        RegisterInstanceCommand: register_instance,
        RenewInstanceCommand: renew_instance,
        RemoveInstanceCommand: remove_instance,
        ExpireInstancesCommand: expire_instances,
        SetLimitCommand: set_limit,
        RemoveLimitCommand: remove_limit,
        RegisterTenantCommand: register_tenant,
        UpdateTenantCommand: update_tenant,
        DeleteTenantCommand: delete_tenant,
        IssueApiKeyCommand: issue_api_key,
        RevokeApiKeyCommand: revoke_api_key,
        PurgeCacheCommand: purge_cache,
        ApplyConfigurationCommand: apply_configuration,
    }
)
