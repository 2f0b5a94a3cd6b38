"""Loopback, well-formed URLs, masked passwords."""

from __future__ import annotations

import pytest

from brain_gateway.settings.addresses import (
    checked_socket,
    checked_url,
    is_loopback,
    leaves_in_clear,
    masked_url,
)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "a.localhost", "LOCALHOST."]
)
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com"])
def test_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("http://idp.example/keys", True),
        ("https://idp.example/keys", False),
        ("http://127.0.0.1:9/keys", False),
    ],
)
def test_leaves_in_clear(url, clear):
    assert leaves_in_clear(url) is clear


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:pw@h:5/db?x=1", "postgresql://u:****@h:5/db?x=1"),
        ("redis://:pw@h/0", "redis://:****@h/0"),
        ("redis://h/0", "redis://h/0"),
        ("http://[::1", "****"),
    ],
)
def test_masked(url, masked):
    assert masked_url(url) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "ftp://h",
        "http://",
        "http:///x",
        "http://h:0/",
        "http://h:99999/",
        "http://u:p@h/",
        "http://[1/",
    ],
)
def test_refused_urls(text):
    with pytest.raises(ValueError, match=r"URL|scheme|host|user name"):
        checked_url(text, ("http", "https"))


def test_a_file_needs_no_host():
    assert checked_url("sqlite:///x.db", ("sqlite",)) == "sqlite:///x.db"


@pytest.mark.parametrize("text", ["127.0.0.1:53", "[::1]:5353", "10.0.0.2:65535"])
def test_sockets(text):
    assert checked_socket(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1", "::1", "::1:53", "[::1]", "[127.0.0.1]:53", "ns.test:53", "1.2.3.4:0", "1.2.3.4:x"],
)
def test_what_is_no_socket(text):
    with pytest.raises(ValueError, match=r"port|brackets|IPv4 or IPv6"):
        checked_socket(text)
