"""Who may do what: the table, and what follows from it."""

from __future__ import annotations

import pytest

from brain_gateway.application.authorization import (
    REGISTRAR,
    RULES,
    SYSTEM,
    Action,
    Reach,
    authorize,
    may_grant,
)
from brain_gateway.domain.errors import ResourceNotFound, RoleRequired
from tests.builders.control import actor
from tests.builders.gateway import OTHER_TENANT, TENANT


def outcome(role: str, action: Action, tenant_id: str | None) -> type[Exception] | None:
    try:
        authorize(actor(role), action, tenant_id)
    except (RoleRequired, ResourceNotFound) as error:
        return type(error)
    return None


def test_every_action_has_a_rule():
    assert set(RULES) == set(Action)


@pytest.mark.parametrize("action", Action)
def test_a_super_admin_may_everything_and_nobody_nothing(action):
    authorize(SYSTEM, action, None)
    for tenant_id in (None, TENANT, OTHER_TENANT):
        assert outcome("super_admin", action, tenant_id) is None
        assert outcome("stranger", action, tenant_id) is RoleRequired


@pytest.mark.parametrize("role", ["tenant_admin", "manager", "client", REGISTRAR])
@pytest.mark.parametrize("action", Action)
def test_the_table_is_what_is_done(action, role):
    reach = RULES[action].get(role)
    if reach is Reach.ANY:
        assert {outcome(role, action, one) for one in (None, TENANT, OTHER_TENANT)} == {None}
    elif reach is Reach.OWN:
        assert outcome(role, action, TENANT) is None
        assert outcome(role, action, OTHER_TENANT) is ResourceNotFound
        assert outcome(role, action, None) is RoleRequired
    else:
        assert {outcome(role, action, one) for one in (None, TENANT, OTHER_TENANT)} == {RoleRequired}


def test_more_rights_come_with_each_role():
    order = ["client", "manager", "tenant_admin", "super_admin"]
    for rule in RULES.values():
        held = [role in rule for role in order]
        assert held == sorted(held)


def test_limits_and_tenants_are_the_platforms():
    for action in (
        Action.WRITE_LIMITS,
        Action.WRITE_TENANTS,
        Action.APPLY_CONFIGURATION,
        Action.READ_CONFIGURATION,
    ):
        assert set(RULES[action]) == {"super_admin"}


@pytest.mark.parametrize(
    ("role", "granted", "may"),
    [
        ("super_admin", ["super_admin", REGISTRAR], True),
        ("super_admin", ["reader"], True),
        ("tenant_admin", ["tenant_admin", "manager"], True),
        ("tenant_admin", ["client", "reader"], False),
        ("tenant_admin", ["super_admin"], False),
        ("tenant_admin", [REGISTRAR], False),
        (REGISTRAR, [REGISTRAR], False),
        ("manager", ["tenant_admin"], False),
        ("manager", ["client"], True),
        ("stranger", ["client"], False),
        ("stranger", ["reader"], False),
        ("reader", ["reader"], True),
    ],
)
def test_nobody_gives_more_than_their_own(role, granted, may):
    if may:
        may_grant(actor(role), frozenset(granted))
    else:
        with pytest.raises(RoleRequired):
            may_grant(actor(role), frozenset(granted))
