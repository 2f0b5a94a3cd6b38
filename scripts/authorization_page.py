"""Print docs/authorization.md: who may do what in the control plane, from the table that the bus asks.

Run by `make docs`; tests/house holds the page equal to what this prints.
"""

from __future__ import annotations

from brain_gateway.application.authorization import REGISTRAR, RULES, Action
from brain_gateway.domain.tenancy import Role

INTRODUCTION = """\
# Who may do what

Every command and query of the control plane says which of these actions it is, and whose resources it concerns: a
tenant's, or the platform's (global services, limits for everyone). One function, asked by the bus before anything else
happens, decides by this table; nothing else does. Roles are those of the caller's token or API key.

*own*: of the caller's own tenant. *any*: of every tenant, and of the platform. A dash: refused (403 `role-required`).
What is another tenant's is answered like what does not exist (404 `resource-not-found`).
"""

REST = """\

## Beside the table

- A tenant sees the global services that it can call, and changes none of them. Where they live (targets, discovery) is
  for a super_admin; services that are not exposed, or internal, are not shown to tenants at all.
- A tenant's services may live at public addresses, and in the networks that the platform allows; a super_admin may name
  any target.
- Nobody issues an API key with a role that is more than their own, nor with a role of another name that they have not:
  it may open a global service. `{registrar}` is given by a super_admin alone: with it, the platform's services
  register their instances, and can do nothing else.
- Events of global targets, and of configurations that are applied, are for the platform alone.
- Everything that changes something is in the audit log of the tenant that it concerns, or of the platform: who, what,
  before, after.

This page is made by `make docs`; a test keeps it complete.
"""

_MEANING = {
    Action.READ_SERVICES: "list and read services, their routes and targets",
    Action.WRITE_SERVICES: "register, change and deregister services; add and remove routes and targets",
    Action.OPERATE_TARGETS: "weigh and drain targets",
    Action.REGISTER_INSTANCES: "register instances, renew and give back their leases",
    Action.READ_HEALTH: "read the health of services",
    Action.READ_LIMITS: "read the limits that are set",
    Action.WRITE_LIMITS: "set limits and take them away",
    Action.READ_TENANTS: "read tenants",
    Action.WRITE_TENANTS: "register, rename, suspend, resume and delete tenants",
    Action.READ_KEYS: "list API keys",
    Action.WRITE_KEYS: "issue and revoke API keys",
    Action.READ_INTEGRATIONS: "read integrations",
    Action.WRITE_INTEGRATIONS: "activate, change and deactivate integrations",
    Action.READ_EVENTS: "listen to events",
    Action.READ_AUDIT: "read and verify the audit log",
    Action.READ_CONFIGURATION: "export everything, and plan",
    Action.APPLY_CONFIGURATION: "apply a configuration",
    Action.PURGE_CACHE: "forget cached answers",
}
_ROLES = (*Role, REGISTRAR)


def page() -> str:
    """The whole page."""
    return "\n".join((INTRODUCTION, *_table(), REST.format(registrar=REGISTRAR)))


def _table() -> list[str]:
    head = f"| action | what it is | {' | '.join(_ROLES)} |"
    rows = [
        f"| `{action}` | {_MEANING[action]} | {' | '.join(_reach(action, role) for role in _ROLES)} |"
        for action in Action
    ]
    return [head, "|---" * (len(_ROLES) + 2) + "|", *rows]


def _reach(action: Action, role: str) -> str:
    reach = RULES[action].get(role)
    return "-" if reach is None else reach.value.partition(" ")[0]


if __name__ == "__main__":
    print(page(), end="")
