"""Policies of discovery, and what becomes of instances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.discovery import MOST_INSTANCES, DiscoveryPolicy, Instance, Lookup
from brain_gateway.domain.routing.service_route import MOST_TARGETS
from brain_gateway.domain.routing.target import Target

ENTROPY = st.floats(0, 1, exclude_max=True)
INSTANCES = st.lists(
    st.builds(
        Instance,
        st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)),
        st.none() | st.integers(1, 65_535),
        st.integers(1, 100),
    ),
    max_size=10,
)
ORIGIN = DiscoveryPolicy(Lookup("crm.test"), 8003)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "host name"),
        ({"name": "a b"}, "host name"),
        ({"name": "10.0.0.1"}, "write it as a target"),
        ({"name": "[::1]"}, "write it as a target"),
        ({"type": "zookeeper"}, "unknown type"),
        ({"record": "MX"}, "unknown record"),
        ({"min_interval": 0.0}, "min_interval"),
        ({"min_interval": 31.0}, "min_interval"),
        ({"max_interval": float("inf")}, "min_interval"),
        ({"empty_after": -1.0}, "empty_after"),
    ],
)
def test_look_ups_that_cannot_be(changes, said):
    with pytest.raises(ConfigurationError, match=said):
        Lookup(**{"name": "crm.test", **changes})


def test_look_ups_are_equal_when_they_ask_alike():
    assert Lookup("CRM.test") == Lookup("crm.test")
    assert Lookup("crm.test") != Lookup("crm.test", record="A")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"port": None}, "needs a port"),
        ({"port": 0}, "not within"),
        ({"scheme": "ftp"}, "neither http nor https"),
        ({"server_name": "a/b"}, "host name"),
    ],
)
def test_policies_that_cannot_be(changes, said):
    with pytest.raises(ConfigurationError, match=said):
        DiscoveryPolicy(**{"lookup": Lookup("crm.test"), "port": 80, **changes})


@given(st.floats(0, 1e6), ENTROPY)
def test_an_answer_is_never_used_beyond_its_time_unless_that_is_less_than_the_least(valid_for, entropy):
    wait = Lookup("crm.test").renewal(valid_for, entropy)
    assert 1.0 <= wait <= 30.0
    assert wait <= max(1.0, valid_for)


@given(st.integers(1, 10_000), ENTROPY)
def test_failures_are_tried_again_ever_more_rarely(failures, entropy):
    lookup = Lookup("crm.test")
    assert 1.0 <= lookup.retry(failures, entropy) <= 30.0
    assert lookup.retry(failures, 0.0) <= lookup.retry(failures + 1, 0.0)


def test_the_first_failures_double():
    assert [Lookup("a", min_interval=2.0).retry(n, 1.0) for n in range(1, 7)] == [2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (ORIGIN, "crm.test"),
        (DiscoveryPolicy(Lookup("crm.test."), 80), "crm.test"),
        (DiscoveryPolicy(Lookup("_http._tcp.crm.test", record="SRV")), "crm.test"),
        (DiscoveryPolicy(Lookup("my_crm.test"), 80), "my_crm.test"),
        (DiscoveryPolicy(Lookup("crm.test"), 80, server_name="Shop.example"), "shop.example"),
    ],
)
def test_instances_are_called_by_the_name_that_was_asked_for(policy, name):
    (target,) = policy.targets([Instance("10.0.0.1", 8080)])
    assert (target.server_name, target.host_header) == (name, f"{name}:8080")
    assert target.origin == "http://10.0.0.1:8080"


def test_until_there_is_an_answer_the_name_is_the_target_where_it_can_be():
    assert ORIGIN.unanswered == (Target.parse("http://crm.test:8003"),)
    assert DiscoveryPolicy(Lookup("crm.test", record="SRV"), 80).unanswered != ()
    assert DiscoveryPolicy(Lookup("crm.test", record="SRV")).unanswered == ()
    assert DiscoveryPolicy(Lookup("_http._tcp.crm.test", record="SRV"), 80).unanswered == ()


@given(INSTANCES)
def test_targets_differ_and_do_not_depend_on_the_order_of_answers(instances):
    targets = ORIGIN.targets(instances)
    origins = [target.origin for target in targets]
    assert origins == sorted(set(origins))
    assert [one.origin for one in ORIGIN.targets(reversed(instances))] == origins
    assert {target.port for target in targets} <= {8003, *(one.port for one in instances)}


def test_an_instance_without_any_port_is_left_out():
    assert DiscoveryPolicy(Lookup("crm", record="SRV")).targets([Instance("10.0.0.1")]) == ()


def test_of_too_many_instances_the_first_are_taken():
    found = [Instance(f"10.0.{number >> 8}.{number & 255}") for number in range(1500)]
    targets = ORIGIN.targets(found)
    assert len(targets) == MOST_INSTANCES == MOST_TARGETS
    assert targets == ORIGIN.targets(reversed(found))
