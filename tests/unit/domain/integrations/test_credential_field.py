"""Fields of credentials: what is wrong is found, and told without the value."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.integrations.credential_field import MAX_VALUE, CredentialField, pattern_fault
from brain_gateway.domain.tenancy import Secret

ANY = CredentialField(name="token")
REGION = CredentialField(name="region", values={"na": {"host": "a.example"}, "eu": {"host": "b.example"}})


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        (ANY, None, "token: is missing"),
        (ANY, "", "token: is empty"),
        (ANY, " abc", "token: has spaces around it, line breaks or control characters"),
        (ANY, "abc\n", "token: has spaces around it, line breaks or control characters"),
        (ANY, "a\r\nX-Other: b", "token: has spaces around it, line breaks or control characters"),
        (ANY, "a\x00b", "token: has spaces around it, line breaks or control characters"),
        (ANY, "a" * (MAX_VALUE + 1), "token: is longer than 8192 characters"),
        (ANY, "a" * MAX_VALUE, None),
        (ANY, "two words", None),
        (CredentialField(name="hook", required=False), None, None),
        (CredentialField(name="hook", required=False), "", "hook: is empty"),
        (CredentialField(name="sid", pattern="AC[0-9]{2}"), "AC12", None),
        (CredentialField(name="sid", pattern="AC[0-9]{2}"), "AC123", "sid: does not look like one"),
        (CredentialField(name="sid", pattern=r"\d+"), "\u0661", "sid: does not look like one"),
        (
            CredentialField(name="sid", pattern="AC[0-9]{2}", description="AC and digits"),
            "xAC12",
            "sid: does not look like one (AC and digits)",
        ),
        (REGION, "eu", None),
        (REGION, "fe", "region: must be one of na, eu"),
    ],
)
def test_what_is_wrong_with_a_value(field, value, fault):
    assert field.fault(None if value is None else Secret(value)) == fault


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=24))
def test_a_fault_never_repeats_the_value(value):
    for field in (ANY, REGION, CredentialField(name="sid", pattern="x", description="an x")):
        assert value not in (field.fault(Secret(value)) or "")
        assert value not in repr(field)


@pytest.mark.parametrize("name", ["", "Key", "1st", "a-b", "a" * 41, "a b", "key\n", "\u00e9t\u00e9"])
def test_names_are_like_client_id(name):
    with pytest.raises(ConfigurationError, match="is not like client_id"):
        CredentialField(name=name)


@pytest.mark.parametrize(
    "pattern",
    ["(", "[a", "a{2,1}", "(a+)+", "(?:a|b)*", "(ab){2}", "(?=a)b", "(?!a)b", "(?P<n>a)", r"(a)\1", "a+b+",
     "a*b{2,}", "(?i:a)", "[a-z]+[0-9]*", "[[a]", "[^a--b]", "[]&&a]", "a{99999999999}"],
)  # fmt: skip
def test_patterns_that_could_be_slow_are_refused(pattern):
    assert pattern_fault(pattern)
    with pytest.raises(ConfigurationError, match="credential field token: its pattern"):
        CredentialField(name="token", pattern=pattern)


@pytest.mark.parametrize(
    "pattern",
    ["sk_(test|live)_[a-z]+", "(act_)?[0-9]{5,20}", r"a\+b\*c\)+", "[+*(){}]{1,3}x+", r"[\])]{2}(?:a|b)?",
     "a{3}b{1,4}"],
)  # fmt: skip
def test_patterns_that_are_taken(pattern):
    assert pattern_fault(pattern) is None
    re.compile(pattern)


@given(st.text(alphabet="ab+*?{}()[]|\\,12:=!", max_size=12))
def test_what_is_taken_compiles_and_repeats_little(pattern):
    if pattern_fault(pattern) is None:
        CredentialField(name="token", pattern=pattern).fault(Secret("ab" * 1000))
