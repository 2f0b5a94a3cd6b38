"""Catalogue entries: what they ask for, and which of their variants credentials are for."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError, InvalidDocument
from brain_gateway.domain.integrations.credential_field import CredentialField
from brain_gateway.domain.integrations.integration import IntegrationCategory
from brain_gateway.domain.resilience.limits import RateLimit
from tests.builders.integrations import GOOD, integration, secrets, variant

NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,10}\Z")
VALUES = st.from_regex(r"\A[!-~]{20,60}\Z")
TWO = integration(
    variant(CredentialField(name="client_id"), CredentialField(name="client_secret"), name="oauth"),
    variant(CredentialField(name="api_key"), name="key"),
)


def test_the_five_categories():
    assert {category.value for category in IntegrationCategory} == {
        "social_media",
        "ai_providers",
        "ecommerce",
        "business_ops",
        "search_engines",
    }


def test_required_fields():
    assert integration().required_fields() == ("secret_key",)
    assert TWO.required_fields() == ("client_id", "client_secret")
    assert TWO.required_fields("key") == ("api_key",)


def test_what_a_tenant_begins_with():
    entry = integration()
    assert (entry.rate_limit, entry.retries) == (RateLimit(60, 60.0), 3)


@settings(max_examples=30)  # each makes an entry
@given(st.dictionaries(NAMES, st.tuples(st.booleans(), VALUES), min_size=1), st.data())
def test_any_missing_required_field_is_found(fields, data):
    entry = integration(variant(*(CredentialField(name=n, required=r) for n, (r, _) in fields.items())))
    given_names = data.draw(st.sets(st.sampled_from(sorted(fields))))
    faults = entry.validate(secrets({name: fields[name][1] for name in given_names}))
    missing = [name for name, (required, _) in fields.items() if required and name not in given_names]
    assert list(faults) == [f"{name}: is missing" for name in missing]


@settings(max_examples=30)  # each makes an entry
@given(st.dictionaries(st.one_of(NAMES, VALUES, st.sampled_from(["api_key", "client_id"])), VALUES))
def test_values_and_unknown_names_never_appear(credentials):
    said = "\n".join(TWO.validate(secrets(credentials))) + repr(TWO) + repr(secrets(credentials).values())
    assert not [value for value in credentials.values() if value in said]
    assert not [name for name in credentials if len(name) >= 20 and name in said]


def test_unknown_fields_are_refused_with_the_known_ones():
    assert integration().validate(secrets({**GOOD, "sk_live_0123456789": "x"})) == (
        "unknown fields: known are secret_key, webhook_secret",
    )
    assert integration(variant()).validate(secrets({"a": "b"})) == ("takes no credentials",)
    assert integration(variant()).validate({}) == ()


@pytest.mark.parametrize(
    ("credentials", "name"),
    [
        ({"api_key": "k"}, "key"),
        ({"client_id": "i", "client_secret": "s"}, "oauth"),
        ({"client_id": "i"}, "oauth"),
        ({"api_key": " k"}, "key"),
        ({}, "key"),
        ({"client_id": "i", "client_secret": "s", "api_key": "k"}, "oauth"),
    ],
)
def test_credentials_are_for_the_variant_they_come_nearest_to(credentials, name):
    assert TWO.variant_for(secrets(credentials)).name == name


def test_a_variant_that_is_named_decides():
    assert TWO.validate(secrets({"api_key": "k"}), "oauth") == (
        "client_id: is missing",
        "client_secret: is missing",
        "unknown fields: known are client_id, client_secret",
    )
    with pytest.raises(InvalidDocument, match="variant: must be one of oauth, key"):
        TWO.validate({}, "other")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "Pay"}, "is not like amazon-sp"),
        ({"name": "-pay"}, "is not like amazon-sp"),
        ({"agents": 5}, "agents must be 1, 2, 3 or 4"),
        ({"agents": 0}, "agents must be 1, 2, 3 or 4"),
    ],
)
def test_invariants(values, message):
    with pytest.raises(ConfigurationError, match=message):
        integration(**values)


def test_variants_have_names_of_their_own():
    with pytest.raises(ConfigurationError, match="each name once"):
        integration(variant(), variant())


def test_entries_do_not_change():
    with pytest.raises(FrozenInstanceError):
        integration().agents = 1
