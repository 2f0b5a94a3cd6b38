"""Schemes and the credentials that they take."""

import pytest

from brain_gateway.domain.integrations.authentication import (
    NO_AUTHENTICATION,
    SCHEMES,
    Authentication,
    AuthScheme,
)


def faults(scheme, uses=None, settings=None, fields=()):
    return list(Authentication(scheme, uses or {}, settings or {}).faults(set(fields)))


@pytest.mark.parametrize("scheme", AuthScheme)
def test_a_scheme_with_what_it_needs_has_no_faults(scheme):
    rules = SCHEMES[scheme]
    assert faults(scheme, settings=dict.fromkeys(rules.settings, "x"), fields=rules.parts) == []


@pytest.mark.parametrize("scheme", AuthScheme)
def test_every_part_and_setting_that_is_missing_is_told(scheme):
    rules = SCHEMES[scheme]
    assert [key for key, _ in faults(scheme)] == [*rules.parts, *rules.settings]


def test_parts_are_fields_of_the_same_name_unless_it_is_said():
    mixed = Authentication(AuthScheme.BASIC, {"username": "key_id", "password": "key_secret"})
    assert mixed.parts() == {"username": "key_id", "password": "key_secret"}
    assert Authentication(AuthScheme.BASIC).parts() == {"password": "password"}
    assert NO_AUTHENTICATION.parts() == {}


def test_what_does_not_belong():
    assert faults(AuthScheme.BEARER, {"salt": "a"}, {"header": "X"}, ("token", "a")) == [
        ("salt", "is no part of bearer, which has token, app_secret"),
        ("header", "does not belong to bearer"),
    ]
    assert faults(AuthScheme.API_KEY_QUERY, settings={"parameter": "k", "scope": "s"}, fields=("key",)) == [
        ("scope", "does not belong to api_key_query, which has parameter")
    ]


def test_a_part_whose_field_is_not_there():
    assert faults(AuthScheme.BEARER, {"token": "api_key"}, fields=("key",)) == [
        ("token", "needs a credential field, and there is no api_key")
    ]
