"""Where a tenant may send the gateway."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import RoleRequired
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.routing.target_rule import TargetRule

RULE = TargetRule()
INSIDE = [
    "http://127.0.0.1:8200", "http://10.1.2.3", "http://192.168.0.1", "http://172.16.0.9", "http://169.254.169.254",
    "http://100.64.0.1", "http://0.0.0.0", "http://224.0.0.1", "http://255.255.255.255", "http://[::1]:80",
    "http://[::ffff:127.0.0.1]", "http://[fd00::1]", "http://[fe80::1]", "http://[::]", "http://[ff02::1]",
    "http://localhost", "http://vault", "http://vault.internal", "http://crm.svc.cluster.local",
    "http://printer.local", "http://a.localhost", "http://vault.internal.",
    "http://[64:ff9b::a00:1]", "http://[64:ff9b::a9fe:a9fe]", "http://[64:ff9b:1::a00:1]", "http://[2002:a00:1::]",
    "http://[2002:7f00:1::1]", "http://[::10.0.0.1]", "http://[::ffff:0:10.0.0.1]", "http://[2001:0:a00:1::1]",
    "http://[fec0::1]", "http://[5f00::1]", "http://192.0.0.8", "http://192.88.99.1",
]  # fmt: skip
OUTSIDE = [
    "http://93.184.216.34",
    "https://[2606:2800:220:1::1]",
    "https://api.example.com",
    "http://example.org.",
    "http://[64:ff9b::5db8:d822]",
    "http://[2002:5db8:d822::1]",
]


@pytest.mark.parametrize("url", INSIDE)
def test_inner_addresses_and_names_are_not_for_tenants(url):
    assert not RULE.permits(Target.parse(url))


@pytest.mark.parametrize("url", OUTSIDE)
def test_public_addresses_and_names_are(url):
    assert RULE.permits(Target.parse(url))


def test_networks_that_were_named_are_open():
    rule = TargetRule((ip_network("10.20.0.0/16"), ip_network("fd00::/8")))
    assert rule.permits(Target.parse("http://10.20.3.4"))
    assert rule.permits(Target.parse("http://[fd00::7]"))
    assert rule.permits_address("::ffff:10.20.0.1")
    assert rule.permits_address("64:ff9b::10.20.0.1")
    assert TargetRule((ip_network("64:ff9b:1::/48"),)).permits_address("64:ff9b:1::1")
    assert not rule.permits(Target.parse("http://10.21.0.1"))


@pytest.mark.parametrize("url", INSIDE)
def test_development_knows_no_rule(url):
    assert TargetRule(anywhere=True).permits(Target.parse(url))


def test_a_service_is_refused_for_any_one_of_its_targets():
    targets = tuple(map(Target.parse, (OUTSIDE[0], INSIDE[0])))
    service = ServiceRoute(name="a", targets=targets)
    with pytest.raises(RoleRequired, match=r"127\.0\.0\.1:8200 is an inner address"):
        RULE.check(service)
    RULE.check(ServiceRoute(name="a", targets=targets[:1]))


@given(st.ip_addresses())
def test_an_address_is_judged_alike_as_a_target_and_alone(address):
    host = f"[{address}]" if address.version == 6 else str(address)
    assert RULE.permits(Target.parse(f"http://{host}")) == RULE.permits_address(str(address))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_the_one_that_it_maps(address):
    assert RULE.permits_address(f"::ffff:{address}") == RULE.permits_address(str(address))
