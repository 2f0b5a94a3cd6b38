"""Targets: what can be connected to, written one way."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.target import Target, is_address

LABEL = st.from_regex(r"[a-z]([a-z0-9_-]{0,10}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
HOST = st.one_of(NAME, st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
TARGET = st.builds(
    Target, st.sampled_from(["http", "https"]), HOST, st.integers(1, 65_535), st.integers(0, 65_535)
)


@given(TARGET)
def test_what_is_written_is_read_again(target: Target) -> None:
    again = Target.parse(target.origin, weight=target.weight)
    assert again == target
    assert again.origin == target.origin
    assert again.reweighted(0).drained


@pytest.mark.parametrize(
    ("text", "origin", "host", "port"),
    [
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001", "127.0.0.1", 9001),
        (
            "http://bizosaas-vault-staging:8200",
            "http://bizosaas-vault-staging:8200",
            "bizosaas-vault-staging",
            8200,
        ),
        ("HTTP://Example.COM", "http://example.com:80", "example.com", 80),
        ("https://example.com.", "https://example.com.:443", "example.com.", 443),
        ("https://[::1]:8443", "https://[::1]:8443", "::1", 8443),
        ("http://[2001:DB8:0:0::1]", "http://[2001:db8::1]:80", "2001:db8::1", 80),
        ("http://my_service:1", "http://my_service:1", "my_service", 1),
    ],
)
def test_examples(text: str, origin: str, host: str, port: int) -> None:
    target = Target.parse(text)
    assert (target.origin, target.host, target.port) == (origin, host, port)
    assert target.origin == f"{target.scheme}://{target.authority}"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "write http://"),
        ("127.0.0.1:9001", "write http://"),
        ("ftp://h:1", "write http://"),
        ("redis://h:6379", "write http://"),
        ("//h:1", "write http://"),
        ("http://h:1/", "end it after the port"),
        ("http://h:1/api", "a path belongs in the prefix"),
        ("http://h:1?a=b", "end it after the port"),
        ("http://h:1#a", "end it after the port"),
        ("http://user:secret@h:1", "no user name or password"),
        ("http://", "is not a host name"),
        ("http://:80", "is not a host name"),
        ("http://h:", "is not host:port"),
        ("http://h:port", "is not host:port"),
        ("http://h:123456", "is not host:port"),
        ("http://h:0", "not within 1..65535"),
        ("http://h:65536", "not within 1..65535"),
        ("http://h:1\n", "is not host:port"),
        ("http://h\n:1", "is not a host name"),
        ("http://a b:1", "is not a host name"),
        ("http://-a:1", "is not a host name"),
        ("http://a..b:1", "is not a host name"),
        ("http://münchen:1", "xn--"),
        ("http://" + "a" * 64 + ":1", "is not a host name"),
        ("http://" + "a." * 127 + "aa:1", "is not a host name"),
        ("http://::1:80", "IPv6 goes in brackets"),
        ("http://[::1:80", "is not host:port"),
        ("http://[nonsense]:80", "is not an IP address"),
        ("http://[fe80::1%eth0]:80", "zone identifiers"),
        ("http://256.0.0.1:80", "is not an IP address"),
        ("http://127.1:80", "is not an IP address"),
        ("http://1.2.3.4.:80", "is not an IP address"),
    ],
)
def test_refusals_say_what_to_do(text: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Target.parse(text)
    assert named in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("ws", "h", 1), "scheme"),
        (("http", "h", 0), "port"),
        (("http", "h", 1, -1), "weight"),
        (("http", "", 1), "host"),
    ],
)
def test_the_parts_are_checked_too(arguments: tuple, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Target(*arguments)


def test_ipv6_may_be_given_in_brackets() -> None:
    assert Target("http", "[::1]", 80) == Target("http", "0:0::1", 80)


@pytest.mark.parametrize(
    ("target", "name", "host"),
    [
        (Target.parse("http://10.0.0.1:8080"), "10.0.0.1", "10.0.0.1:8080"),
        (Target.parse("https://[::1]:443"), "::1", "[::1]"),
        (Target("http", "10.0.0.1", 80, server_name="CRM.test"), "crm.test", "crm.test"),
        (Target("https", "10.0.0.1", 80, server_name="crm.test"), "crm.test", "crm.test:80"),
    ],
)
def test_what_a_target_is_called(target: Target, name: str, host: str) -> None:
    assert (target.server_name, target.host_header) == (name, host)
    assert target.reweighted(3).server_name == name
    assert "crm" not in target.origin


def test_the_name_is_checked_like_a_host_and_tells_targets_apart() -> None:
    with pytest.raises(ConfigurationError, match="host name"):
        Target("http", "10.0.0.1", 80, server_name="a/b")
    assert Target("http", "10.0.0.1", 80, server_name="a") != Target("http", "10.0.0.1", 80)


@given(HOST)
def test_addresses_and_names_are_told_apart(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        assert not is_address(Target("http", host, 1).host)
    else:
        assert is_address(Target("http", host, 1).host)
