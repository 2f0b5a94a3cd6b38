"""Compiling a configuration; what the entries mean for a request is tested with the router."""

from __future__ import annotations

import pytest

from brain_gateway.application.gateway.routing_table import (
    RESERVED,
    RESERVED_BYTES,
    RoutingTable,
    TableRules,
    compile_entry,
)
from brain_gateway.domain.errors import ServiceNotFound, StoreUnavailable
from brain_gateway.domain.routing.service_route import ServiceKind, Timeouts
from brain_gateway.domain.routing.target import Target
from tests.builders.gateway import OTHER_TENANT, TENANT, FakeGateway, route, service


def test_a_tenants_own_shadows_the_global_one():
    gateway = FakeGateway(
        service("shop"), service("shop", "http://own:1", tenant_id=TENANT), service("own", tenant_id=TENANT)
    )
    table = gateway.router.table
    assert table.find(b"shop", TENANT).key == f"{TENANT}/shop"
    assert {table.find(b"shop", tenant).key for tenant in (None, OTHER_TENANT)} == {"shop"}
    assert [table.find(b"own", tenant) is None for tenant in (None, OTHER_TENANT, TENANT)] == [
        True,
        True,
        False,
    ]
    assert {entry.key for entry in table} == {"shop", f"{TENANT}/shop", f"{TENANT}/own"}


def test_names_are_compared_as_bytes():
    table = FakeGateway().router.table
    assert [table.find(name, None) is None for name in (b"shop", b"Shop", b"%73hop", b"shop ", b"")] == [
        False,
        True,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("changes", "proxied"),
    [
        ({}, True),
        ({"exposed": False}, False),
        ({"kind": ServiceKind.INTERNAL}, False),
        ({"kind": ServiceKind.INFRASTRUCTURE}, True),
    ],
)
def test_which_services_are_proxied(changes, proxied):
    assert FakeGateway(service(**changes)).entry().proxied is proxied


@pytest.mark.parametrize(
    ("weights", "single"), [((1,), True), ((0,), False), ((1, 1), False), ((1, 0), False), ((), False)]
)
def test_one_target_is_taken_without_a_choice(weights, single):
    targets = tuple(Target.parse(f"http://t{at}:1", weight) for at, weight in enumerate(weights))
    assert (FakeGateway(service(targets=targets)).entry().single is not None) is single


def test_0_means_no_timeout():
    entry = FakeGateway(service(timeouts=Timeouts(connect=0.0, response=0.0, idle=0.0, total=0.0))).entry()
    assert (entry.response_timeout, entry.idle_timeout, entry.total_timeout) == (
        float("inf"),
        float("inf"),
        0.0,
    )
    entry = FakeGateway(service(timeouts=Timeouts(response=1.0, idle=2.0, total=3.0))).entry()
    assert (entry.response_timeout, entry.idle_timeout, entry.total_timeout) == (1.0, 2.0, 3.0)


def test_a_service_without_routes_is_not_searched():
    assert FakeGateway().entry().matcher is None
    assert FakeGateway(service(routes=(route("/x"),))).entry().matcher is not None


def test_counters_are_kept_by_name_across_tables():
    gateway = FakeGateway(service("shop"))
    counters = gateway.entry().metrics
    gateway.replace(service("crm"))
    gateway.replace(service("shop"), service("shop", tenant_id=TENANT))
    assert gateway.entry().metrics is counters
    assert gateway.entry("shop", TENANT).metrics is counters


def test_a_renewed_table_is_the_same_and_another():
    table = FakeGateway().router.table
    renewed = table.renewed()
    assert renewed is not table
    assert list(renewed) == list(table)


def test_a_changed_table_shares_what_stays_and_leaves_the_old_one_alone():
    gateway = FakeGateway(service("shop"), service("own", tenant_id=TENANT), service("crm"))
    old = gateway.router.table
    put = [compile_entry(service(name, tenant_id=who), gateway.targets, gateway.metrics)
           for name, who in (("shop", None), ("new", OTHER_TENANT))]  # fmt: skip
    new = old.changed(put, ["crm", f"{TENANT}/own", "never-there", f"{OTHER_TENANT}/neither"])
    assert {entry.key for entry in new} == {"shop", f"{OTHER_TENANT}/new"}
    assert {entry.key for entry in old} == {"shop", "crm", f"{TENANT}/own"}
    assert new.find(b"shop", None) is put[0]
    assert set(new._tenants) == {OTHER_TENANT}, "a tenant without services of its own costs nothing"


def test_what_is_said_of_absent_names_stays_until_the_table_is_complete():
    table = RoutingTable({}, {}, TableRules(), StoreUnavailable)
    rules = TableRules(refused=frozenset({TENANT}))
    for same in (table.renewed(), table.ruled(rules), table.changed((), ())):
        assert same.absent is StoreUnavailable
    assert table.ruled(rules).complete().absent is ServiceNotFound
    assert table.ruled(rules).complete().rules is rules


def test_what_is_reserved_for_the_gateway():
    assert {"", "health", "metrics", "docs", "openapi.json", "api", "brain-gateway"} <= RESERVED
    assert {name.decode() for name in RESERVED_BYTES} == RESERVED
