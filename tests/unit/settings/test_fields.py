"""Types that read an environment variable's text."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from brain_gateway.settings import Settings
from brain_gateway.settings.fields import pieces


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a,b", ("a", "b")), (" a , ,b, ", ("a", "b")), ("", ()), (",", ()), ("a b", ("a b",))],
)
def test_pieces(text, parts):
    assert pieces(text) == parts


def test_values_that_are_no_text_pass():
    networks = (ip_network("10.0.0.0/8"),)
    assert Settings(trusted_proxies=networks).trusted_proxies == networks
    assert Settings(jwt_claim_user=("uid",)).jwt_claim_user == ("uid",)


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_the_environment_is_read_by_load_settings_alone(monkeypatch):
    monkeypatch.setenv("BRAIN_GATEWAY_PORT", "5")
    assert Settings().port == 8001


def test_by_field_or_by_variable():
    assert Settings(port=7).port == Settings(BRAIN_GATEWAY_PORT=7).port == 7
