"""Who may do what in the control plane: one table, asked in one place (the bus), shown in docs/authorization.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from brain_gateway.domain.errors import ResourceNotFound, RoleRequired
from brain_gateway.domain.tenancy import Principal, Role


class Reach(Enum):
    """How far a role goes: its own tenant's resources, or everybody's and the platform's."""

    OWN = "own tenant"
    ANY = "any tenant"


class Action(StrEnum):
    """Everything that can be asked of the control plane."""

    READ_SERVICES = "services:read"
    WRITE_SERVICES = "services:write"
    OPERATE_TARGETS = "targets:operate"
    REGISTER_INSTANCES = "instances:register"
    READ_HEALTH = "health:read"
    READ_LIMITS = "limits:read"
    WRITE_LIMITS = "limits:write"
    READ_TENANTS = "tenants:read"
    WRITE_TENANTS = "tenants:write"
    READ_KEYS = "keys:read"
    WRITE_KEYS = "keys:write"
    READ_INTEGRATIONS = "integrations:read"
    WRITE_INTEGRATIONS = "integrations:write"
    READ_EVENTS = "events:read"
    READ_AUDIT = "audit:read"
    READ_CONFIGURATION = "config:read"
    APPLY_CONFIGURATION = "config:apply"
    PURGE_CACHE = "cache:purge"


_SUPER, _ADMIN, _MANAGER, _CLIENT = Role.SUPER_ADMIN, Role.TENANT_ADMIN, Role.MANAGER, Role.CLIENT
_ALL: dict[str, Reach] = {_SUPER: Reach.ANY}
_ADMINS = {**_ALL, _ADMIN: Reach.OWN}
_MANAGERS = {**_ADMINS, _MANAGER: Reach.OWN}
_EVERYONE = {**_MANAGERS, _CLIENT: Reach.OWN}
REGISTRAR: Final = "service_registrar"
"""The role of an API key by which the platform's own services register their instances, and can do nothing else."""

RULES: Final[Mapping[Action, Mapping[str, Reach]]] = MappingProxyType(
    {
        Action.READ_SERVICES: _EVERYONE,
        Action.WRITE_SERVICES: _ADMINS,
        Action.OPERATE_TARGETS: _MANAGERS,
        Action.REGISTER_INSTANCES: {**_ADMINS, REGISTRAR: Reach.ANY},  # it adds targets, and services
        Action.READ_HEALTH: _EVERYONE,
        Action.READ_LIMITS: _MANAGERS,
        Action.WRITE_LIMITS: _ALL,  # a tenant does not raise its own limits
        Action.READ_TENANTS: _MANAGERS,
        Action.WRITE_TENANTS: _ALL,
        Action.READ_KEYS: _ADMINS,
        Action.WRITE_KEYS: _ADMINS,
        Action.READ_INTEGRATIONS: _MANAGERS,
        Action.WRITE_INTEGRATIONS: _ADMINS,
        Action.READ_EVENTS: _MANAGERS,
        Action.READ_AUDIT: _ADMINS,
        Action.READ_CONFIGURATION: _ALL,
        Action.APPLY_CONFIGURATION: _ALL,
        Action.PURGE_CACHE: _MANAGERS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a verified caller, or the gateway itself (`tenant_id` None). `request_id` goes into the audit log."""

    user_id: str
    tenant_id: str | None
    roles: frozenset[str] = field(default_factory=frozenset)
    request_id: str = ""

    @classmethod
    def of(cls, principal: Principal, request_id: str = "") -> Actor:
        """The caller of a request."""
        return cls(
            user_id=principal.user_id,
            tenant_id=principal.tenant_id,
            roles=principal.roles,
            request_id=request_id,
        )

    @property
    def everywhere(self) -> bool:
        """Whether it acts for the platform."""
        return Role.SUPER_ADMIN in self.roles


SYSTEM: Final = Actor(user_id="brain-gateway", tenant_id=None, roles=frozenset({Role.SUPER_ADMIN.value}))
"""The gateway itself: leases that end, files that are applied at the start."""


def authorize(actor: Actor, action: Action, tenant_id: str | None) -> None:
    """Whether `actor` may do `action` to what `tenant_id` (None: the platform) owns.

    Raises RoleRequired, and ResourceNotFound for another tenant's, of which nothing is said.
    """
    rule = RULES[action]
    reaches = {reach for role, reach in rule.items() if role in actor.roles}
    if Reach.ANY in reaches:
        return
    if not reaches:
        raise RoleRequired(f"{action} needs one of these roles: {', '.join(rule)}")
    if tenant_id is None:
        raise RoleRequired(f"{action} of the platform needs the role {Role.SUPER_ADMIN}")
    if tenant_id != actor.tenant_id:
        raise ResourceNotFound("there is no such tenant for this caller")


def may_grant(actor: Actor, roles: frozenset[str]) -> None:
    """Nobody gives what is more than their own; a role that is none of the platform's may open a global service, so
    only those who have it give it on. Raises RoleRequired.
    """
    if _SUPER in actor.roles:
        return
    order = (_SUPER, _ADMIN, _MANAGER, _CLIENT)
    if REGISTRAR in roles:
        raise RoleRequired(f"only a {_SUPER} can give the role {REGISTRAR}")
    if foreign := sorted(roles - actor.roles - set(order)):
        raise RoleRequired(f"only a {_SUPER}, or who has it, can give the role {foreign[0]}")
    own = min((at for at, role in enumerate(order) if role in actor.roles), default=len(order))
    for at, role in enumerate(order):
        if role in roles and at < own:
            raise RoleRequired(f"only a {role} can give the role {role}")
