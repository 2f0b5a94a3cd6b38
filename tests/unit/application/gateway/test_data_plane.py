"""The data plane as something that is changed piece by piece."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from brain_gateway.application.gateway.exchange import Exchange, Refusal
from brain_gateway.application.gateway.health_report import REFUSED
from brain_gateway.application.gateway.routing_table import TableRules
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.queries.health import GetHealthStatusQuery, health_handler
from brain_gateway.domain.errors import ConfigurationError, ServiceNotFound, StoreUnavailable, TenantSuspended
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Lookup
from brain_gateway.domain.routing.policies import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.domain.tenancy import ApiKey
from tests.builders.control import actor
from tests.builders.gateway import OTHER_TENANT, TENANT, TOKEN, service
from tests.builders.live import Plane
from tests.builders.requests import client, head

pytestmark = pytest.mark.anyio
A, B = "http://a:1", "http://b:1"
KEY, OTHER = (ApiKey.from_entropy(bytes([number] * 32)) for number in (1, 2))


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def world():
    return Plane()


def record(key: ApiKey = KEY, tenant_id: str = TENANT, **about) -> ApiKeyRecord:
    return ApiKeyRecord(
        **{"hash": key.hash, "prefix": key.prefix, "tenant_id": tenant_id, "user_id": "robot", **about}
    )


def asked(world: Plane, path: str = "/shop/x") -> Exchange | Refusal:
    """What becomes of a request of TENANT's."""
    return world.gateway.admit(head(f"GET {path} HTTP/1.1", TOKEN), client())


async def test_until_everything_is_loaded_what_is_absent_may_yet_come(world):
    assert asked(world).error.__class__ is StoreUnavailable
    world.plane.change([service("crm")])
    world.plane.rule(TableRules())
    assert asked(world).error.__class__ is StoreUnavailable
    world.plane.complete()
    assert asked(world).error.__class__ is ServiceNotFound
    world.plane.change([service("shop")])
    assert isinstance(asked(world), Exchange)


async def test_a_change_leaves_everything_else_as_it_was(world):
    world.plane.change([service("shop", A), service("crm", B)])
    before, shop = world.entry("crm"), world.entry("shop")
    state = shop.targets[0]
    state.breaker.trip(0.0)
    world.plane.change([service("shop", A, B, prefix="/new")])
    assert world.entry("crm") is before
    assert world.entry("shop").targets[0] is state
    assert world.entry("shop").prefix == b"/new"
    assert set(world.plane.services) == {"shop", "crm"}


async def test_a_request_keeps_the_table_that_it_began_with(world):
    world.plane.change([service("shop", A)])
    exchange = asked(world)
    world.plane.change([], ["shop"])
    assert exchange.target.name == A
    assert exchange.target.pool.closed
    assert asked(world).error.__class__ is StoreUnavailable


async def test_what_is_dropped_is_forgotten_everywhere(world):
    policy = DiscoveryPolicy(Lookup("shop.test"), port=80)
    world.plane.change([service("shop", A, discovery=policy), service("shop", B, tenant_id=TENANT)])
    world.plane.change([], ["shop", "never-there"])
    state = world.state()
    assert set(state["services"]) == set(state["registered"]) == set(state["watched"]) == set(state["states"])
    assert set(state["services"]) == {f"{TENANT}/shop"}
    assert world.discovery.status() == ()


@pytest.mark.parametrize("role", ["super_admin", "tenant_admin", "manager", "client"])
@pytest.mark.parametrize("kind", ["http", "none"])
async def test_a_tenant_sees_that_its_name_was_refused_and_not_where_it_leads(world, role, kind):
    """Health, as the API asks for it, in the eyes of everybody; the service has nowhere to go until that changes."""
    world.discovery._permits = TargetRule().permits
    policy = DiscoveryPolicy(Lookup("shop.example"), port=80)
    shop = service(
        "shop", tenant_id=TENANT, discovery=policy, probe=ProbePolicy(type=kind), outside_only=True
    )
    world.plane.change([shop.at(policy.unanswered)])
    query, who = GetHealthStatusQuery(tenant_id=TENANT), actor(role)
    health = health_handler(world.monitor.report, world.gateway.targets.breaker_state)
    async with world.discovery, world.monitor:
        for addresses in (("10.9.8.7",), ("10.9.8.7", "93.184.216.34")):
            world.names.set("shop.example", *addresses)
            world.discovery._ask_at(next(iter(world.discovery._lookups.values())), 0.0)
            await until(lambda: bool(world.soon))
            while world.soon:
                world.soon.pop()()
            (found,) = health(query, who).services
            assert "10.9.8.7" not in repr(found)
            seen = [(one.target.target, one.target.detail) for one in found.targets]
            assert ("http://shop.example:80", REFUSED) in seen
            assert {one.target.target for one in found.targets} == {
                "http://shop.example:80", *(f"http://{address}:80" for address in addresses[1:])
            }  # fmt: skip
            assert "http://10.9.8.7:80" not in {origin for _, origin in world.probe.asked}
            targets = world.entry("shop", TENANT).targets
            assert [state.target.refused for state in targets if state.target.weight] == [False] * (
                len(addresses) - 1
            )


async def until(true) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for is a list
            await asyncio.sleep(0)


async def test_one_that_cannot_be_watched_stops_at_itself(world):
    world.plane.change([service("shop", A)])
    del world.monitor._probes["http"]
    good = service("crm", probe=ProbePolicy(type="none"))
    with pytest.raises(ConfigurationError):
        world.plane.change(
            [good, service("shop", B), service("cms", probe=ProbePolicy(type="none"))], ["old"]
        )
    assert world.entry("crm") is not None
    assert world.entry("shop").targets[0].name == A
    assert set(world.plane.services) == {"shop", "crm"}


async def test_a_tenant_that_is_refused_loses_what_is_open_once(world):
    world.plane.change([service("shop")])
    mine, theirs = world.session("mine", TENANT), world.session("theirs", OTHER_TENANT)
    world.plane.rule(TableRules(refused=frozenset({TENANT})))
    assert (mine.expires, theirs.expires) == (float("-inf"), 1e9)
    assert asked(world).error.__class__ is TenantSuspended
    again = world.session("again", TENANT)
    world.plane.rule(TableRules(refused=frozenset({TENANT, "another"})))
    assert again.expires == 1e9, "it is refused by the table: there is nothing to end a second time"


async def test_a_request_under_way_of_a_tenant_that_is_deleted_is_finished(world):
    world.plane.change([service("shop", tenant_id=TENANT), service("shop"), service("own", tenant_id=TENANT)])
    world.plane.change_keys([record(), record(OTHER, OTHER_TENANT)], ())
    exchange = asked(world)
    world.plane.rule(TableRules(refused=frozenset({TENANT})))
    world.plane.delete_tenants([TENANT])
    assert not exchange.lane.error
    assert set(world.plane.services) == {"shop"}
    assert world.plane.keys() == {OTHER.hash}
    assert asked(world).error.__class__ is TenantSuspended
    table = world.table
    world.plane.delete_tenants([TENANT])
    assert world.table is table, "who is gone already is not looked for again"


async def test_a_key_that_changed_or_was_revoked_ends_what_is_open_by_it(world):
    world.plane.change_keys([record(), record(OTHER)], ())
    by_key = world.session("a", TENANT, scheme="api_key", token_id=KEY.hash)
    by_other = world.session("b", TENANT, scheme="api_key", token_id=OTHER.hash)
    world.plane.change_keys([record(), record(OTHER)], ())
    assert (by_key.expires, by_other.expires) == (1e9, 1e9), "nothing is other than before"
    world.plane.change_keys([record(roles=frozenset({"manager"}))], ())
    assert (by_key.expires, by_other.expires) == (float("-inf"), 1e9)
    world.plane.change_keys([], [OTHER.hash, "sha256:unknown"])
    assert by_other.expires == float("-inf")
    assert world.plane.keys() == {KEY.hash}


async def test_tokens_are_not_looked_at_when_keys_are_revoked(world):
    token = world.session("t", TENANT, token_id=KEY.hash)
    world.plane.change_keys([], [KEY.hash])
    assert token.expires == 1e9


async def test_targets_that_discovery_moves_make_one_table(world):
    world.plane.change([service("shop", A), service("crm", A)])
    table = world.table
    for key in ("shop", "crm", "gone"):
        world.discovery.on_change(key, (Target.parse(B),))
    assert (len(world.soon), world.table) == (1, table)
    world.soon.pop()()
    assert world.table is not table
    world.discovery.on_change("shop", ())
    assert len(world.soon) == 1


async def test_the_rules_are_the_tables(world):
    rules = replace(TableRules(), tenant_limits={})
    world.plane.rule(rules)
    assert world.plane.rules is rules
