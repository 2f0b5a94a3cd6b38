"""Keys of the secrets file, and where Vault keeps things."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings import load_settings
from brain_gateway.settings.secrets import keys_of
from tests.builders.planted import MARKER, OTHER_SECRETS_KEY, SECRETS_KEY

KEYS = st.binary(min_size=32, max_size=32)


@given(st.lists(KEYS, min_size=1, max_size=4), st.sampled_from([b64encode, urlsafe_b64encode]))
def test_keys_in_order(keys, encode):
    assert keys_of(SecretStr(" , ".join(encode(key).decode() for key in keys))) == tuple(keys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MARKER, "a key"),
        (f"{SECRETS_KEY},{MARKER}!", "a key is not in base64"),
        (b64encode(b"x" * 16).decode(), "a key has 16 bytes, not 32"),
        (",", "there is no key in it"),
        ("ключ", "a key is not in base64"),
    ],
)
def test_what_is_no_key_is_said_and_not_shown(text, said):
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"SECRETS_KEY": text})
    (fault,) = caught.value.faults
    assert fault.startswith("SECRETS_KEY: must be a comma list of keys of 32 bytes in base64")
    assert said in fault
    assert MARKER not in fault


@pytest.mark.parametrize("text", [f"{MARKER}\u00f6", f"{MARKER}\nX-Other: 1"])
def test_what_no_header_can_carry_is_no_token(text):
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"VAULT_ADDR": "https://v", "VAULT_TOKEN": text})
    said = "VAULT_TOKEN: must be a token that Vault issued (it holds characters that no token has)"
    assert caught.value.faults == (said,)


def test_planted_keys_are_keys():
    assert len(set(keys_of(SecretStr(f"{SECRETS_KEY},{OTHER_SECRETS_KEY}")))) == 2


@pytest.mark.parametrize("template", ["{tenant}/{name}", "a/b/{tenant}/{name}", "t-{tenant}.x/y/{name}"])
def test_templates(template):
    assert load_settings({"VAULT_PATH_TEMPLATE": template}).vault_path_template == template


@pytest.mark.parametrize(
    "template",
    ["{name}", "{tenant}", "{tenant}{name}", "{tenant}/x-{name}", "/{tenant}/{name}", "{tenant}/{tenant}/{name}",
     "{tenant}/{name}/x", "a//{tenant}/{name}", "{tenant}/{name}?x", "a b/{tenant}/{name}", "{x}/{tenant}/{name}"],
)  # fmt: skip
def test_what_is_no_template(template):
    with pytest.raises(ConfigurationError, match=r"VAULT_PATH_TEMPLATE=.*must be a path that holds"):
        load_settings({"VAULT_PATH_TEMPLATE": template})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VAULT_KV_MOUNT", "/secret"),
        ("VAULT_KV_MOUNT", "a/../b?"),
        ("VAULT_NAMESPACE", "a\nb"),
        ("VAULT_TIMEOUT", "0"),
    ],
)
def test_what_else_is_checked(variable, value):
    with pytest.raises(ConfigurationError, match=variable):
        load_settings({variable: value})
