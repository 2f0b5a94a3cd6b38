"""Names of sets of credentials: each set has its own, and its time can be read off it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.integrations.credential_secret import PREFIX, credential_secret, made_at
from brain_gateway.domain.integrations.integration import INTEGRATION_NAME
from brain_gateway.domain.secret_path import SecretPath
from tests.builders.integrations import TENANT

NAMES = st.from_regex(rf"\A{INTEGRATION_NAME}\Z")


@given(NAMES, st.integers(0, 2**40), st.binary(min_size=8, max_size=8))
def test_a_name_is_one_of_a_secret_and_tells_when(integration, now, entropy):
    name = credential_secret(integration, now + 0.9, entropy)
    assert SecretPath(TENANT, name).name == name
    assert name.startswith(f"{PREFIX}{integration}.")
    assert made_at(name) == now


@given(st.lists(st.tuples(NAMES, st.integers(0, 9), st.binary(min_size=8, max_size=8)), unique=True))
def test_no_two_sets_have_one_name(sets):
    assert len({credential_secret(*one) for one in sets}) == len(sets)


@pytest.mark.parametrize(
    "name",
    [
        "stripe",
        "integration.stripe",
        "integration.stripe.6745f1a0",
        "integration.stripe.6745f1a0-0123",
        "integration..6745f1a0-0123456789abcdef",
        "xintegration.stripe.6745f1a0-0123456789abcdef",
        "integration.stripe.6745f1a0-0123456789abcdef.x",
    ],
)
def test_others_are_not_ours(name):
    assert made_at(name) is None
