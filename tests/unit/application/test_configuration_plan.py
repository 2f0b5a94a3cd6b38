"""Plans: each of the rules, and that a plan that was taken leaves nothing to do."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.commands.configuration import ApplyConfigurationCommand, present, printer
from brain_gateway.application.commands.services import RegisterServiceCommand, UpdateServiceCommand
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.configuration_plan import (
    FILE,
    PlanOptions,
    Present,
    Step,
    limit_key,
    make_plan,
    without_leased,
)
from brain_gateway.application.dto import ServiceRegistrationDTO, TargetLease
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.queries.configuration import PlanConfigurationQuery
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import Conflict, PreconditionFailed
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.routing.target import Target
from brain_gateway.schemas.rendering import document_of
from tests.builders.control import Control
from tests.builders.gateway import OTHER_TENANT, TENANT, service

pytestmark = pytest.mark.anyio
OWN, HAND = "team", "api"


def steps(wanted, *known, version=0, **options):
    """(step, key) of the plan for services alone."""
    found = Present(version=version, services=known, limits=(), tenants=(), api_keys=())
    plan = make_plan(
        GatewayConfiguration(services=tuple(wanted)),
        found,
        PlanOptions(owner=OWN, **options),
        printer(document_of),
    )
    return [(change.step.value, change.key) for change in plan.changes], plan.unchanged


def stored(name="shop", owner=OWN, declared="", **changes):
    return ServiceRegistrationDTO(id=name, owner=owner, declared=declared, service=service(name, **changes))


RULES = [
    ("what is not there is created", [service()], [], {}, [("create", "shop")]),
    ("what is alike is left alone", [service()], [stored()], {}, []),
    ("what differs is updated", [service()], [stored(max_body=5)], {}, [("update", "shop")]),
    ("what is declared no more is deleted", [], [stored()], {}, [("delete", "shop")]),
    ("unless it is not asked for", [], [stored()], {"prune": False}, []),
    ("nothing of others is deleted", [], [stored(owner="other"), stored("b", HAND), stored("c", FILE)], {}, []),
    ("what was made by hand is taken over", [service()], [stored(owner=HAND, max_body=5)], {}, [("update", "shop")]),
    ("also when it is alike", [service()], [stored(owner=HAND)], {}, [("adopt", "shop")]),
    ("another file's is a conflict", [service()], [stored(owner="other")], {}, [("conflict", "shop")]),
    ("unless it is to be taken over", [service()], [stored(owner="other")], {"take_over": True}, [("adopt", "shop")]),
    ("two tenants may have one name", [service(tenant_id=TENANT)], [stored()], {"prune": False},
     [("create", f"{TENANT}/shop")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "known", "options", "planned"), [row[1:] for row in RULES], ids=[r[0] for r in RULES]
)
def test_rules(wanted, known, options, planned):
    assert steps(wanted, *known, **options)[0] == planned


def test_changes_by_hand_are_kept_where_that_is_asked_for():
    print_ = printer(document_of)(service())
    changed = stored(max_body=5, declared=print_)
    assert steps([service()], changed)[0] == [("update", "shop")]
    assert steps([service()], changed, keep_changes=True) == ([], 1)
    assert steps([service(max_body=6)], changed, keep_changes=True)[0] == [("update", "shop")]


def test_targets_with_a_lease_are_not_compared():
    leased = stored()
    two = replace(leased.service, targets=(*leased.service.targets, Target.parse("http://b.example")))
    leased = replace(leased, service=two, leases={"http://b.example:80": TargetLease("l", 9.0)})
    assert steps([service()], leased) == ([], 1)
    assert [one.origin for one in without_leased(leased).targets] == ["http://shop:9000"]


def test_keys_of_plans():
    assert (limit_key(None, "default"), limit_key(TENANT, "service:a")) == ("default", f"{TENANT}/service:a")


# Taken


KEY = ApiKeyRecord(hash="sha256:" + "0" * 64, prefix="bgk_00", tenant_id=TENANT, user_id="u")
LIMITS = (None, RateLimit(5, 1.0), RateLimit(6, 1.0))
names = st.sampled_from(["a", "b", "c"])
configurations = st.builds(
    lambda shared, own, limit, ours, tenants, keys: GatewayConfiguration(
        services=(
            *(service(name, max_body=size) for name, size in shared.items()),
            *(service(name, tenant_id=TENANT, max_body=size) for name, size in own.items()),
        ),
        limit_classes=LimitClasses() if limit is None else LimitClasses(default=limit),
        tenant_limits={} if ours is None else {(TENANT, "service:a"): ours},
        tenants=tenants,
        api_keys=keys,
    ),
    st.dictionaries(names, st.integers(0, 2), max_size=3),
    st.dictionaries(names, st.integers(0, 2), max_size=2),
    st.sampled_from(LIMITS),
    st.sampled_from(LIMITS),
    st.dictionaries(st.sampled_from([TENANT, OTHER_TENANT]), st.sampled_from(["Mine", "Yours"]), max_size=2),
    st.sampled_from([(), (KEY,), (replace(KEY, roles=frozenset({"client"})),)]),
)


async def apply(control, wanted, owner=OWN, **more):
    options = PlanOptions(owner=owner, take_over=more.pop("take_over", False))
    return await control.do(ApplyConfigurationCommand(wanted=wanted, options=options, **more))


@given(st.lists(configurations, min_size=1, max_size=3))
async def test_what_was_applied_leaves_nothing_to_do(wanted):
    control = Control()
    for one in wanted:
        await apply(control, one)
        plan = await apply(control, one)
        assert plan.changes == ()
        async with control.store(PLATFORM, read_only=True) as unit:
            found = await present(unit)
        assert {item.service.key for item in found.services} == {item.key for item in one.services}
        assert {item.hash for item in found.api_keys if item.revoked_at is None} == {
            key.hash for key in one.api_keys
        }
        assert len(found.limits) == len(list(one.own_limits())) + len(one.tenant_limits)


async def test_all_or_nothing():
    control = Control()
    await apply(control, GatewayConfiguration(services=(service("a"),)), "other")
    before = control.store.state
    wanted = GatewayConfiguration(services=(service("b"), service("a", max_body=1)))
    with pytest.raises(Conflict, match="declared by other"):
        await apply(control, wanted)
    assert control.store.state == before
    plan = await apply(control, wanted, skip_conflicts=True)
    assert [(change.step, change.key) for change in plan.changes] == [
        (Step.CREATE, "b"),
        (Step.CONFLICT, "a"),
    ]
    owners = {item.service.name: item.owner for item in control.store.state.services.values()}
    assert owners == {"a": "other", "b": OWN}


async def test_a_base_that_is_old_is_refused():
    control = Control()
    wanted = GatewayConfiguration(services=(service("a"),))
    await apply(control, wanted, base=0)
    with pytest.raises(PreconditionFailed):
        await apply(control, wanted, base=0)


async def test_a_change_by_hand_is_undone_by_the_next_application():
    control = Control()
    wanted = GatewayConfiguration(services=(service("a"),))
    await apply(control, wanted)
    (item,) = control.store.state.services.values()
    await control.do(UpdateServiceCommand(service_id=item.id, change=lambda one: replace(one, max_body=9)))
    await control.do(RegisterServiceCommand(service=service("by-hand")))
    plan = await apply(control, wanted)
    assert [(change.step, change.key) for change in plan.changes] == [(Step.UPDATE, "a")]
    assert {one.service.name for one in control.store.state.services.values()} == {"a", "by-hand"}


async def test_plans_are_made_where_nobody_waits():
    control, threads = Control(), set()

    def fingerprint(declared):
        threads.add(threading.get_ident())
        return printer(document_of)(declared)

    wanted = GatewayConfiguration(services=(service("a"),))
    options = PlanOptions(owner=OWN)
    await control.find(PlanConfigurationQuery(wanted=wanted, options=options, fingerprint=fingerprint))
    assert threads
    assert threading.get_ident() not in threads


async def test_one_event_tells_of_the_whole():
    control = Control()
    await apply(control, GatewayConfiguration(services=(service("a"), service("b"))))
    applied = [data for kind, data in await control.events() if kind == "ConfigurationApplied"]
    assert applied == [{"owner": OWN, "created": 2, "updated": 0, "deleted": 0}]
    assert {action for _, action, _ in control.audit()} == {"config:apply"}
