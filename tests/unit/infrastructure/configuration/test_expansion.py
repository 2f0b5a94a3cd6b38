"""References to the environment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.infrastructure.configuration.expansion import expand, has_reference

ENVIRON = {"HOST": "example.com", "PORT": "80", "EMPTY": "", "NESTED": "${HOST}"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${HOST}", "example.com"),
        ("http://${HOST}:${PORT}/", "http://example.com:80/"),
        ("${MISSING:-other}", "other"),
        ("${MISSING:-}", ""),
        ("${EMPTY:-other}", "other"),
        ("${HOST:-other}", "example.com"),
        ("${MISSING:-a:b-c $d}", "a:b-c $d"),
        ("$${HOST}", "${HOST}"),
        ("$HOST and 5$", "$HOST and 5$"),
        ("${NESTED}", "${HOST}"),
    ],
)
def test_forms(text, expanded):
    assert expand(text, ENVIRON) == expanded


@pytest.mark.parametrize("text", ["${MISSING}", "${EMPTY}", "x${MISSING}y"])
def test_a_variable_without_value_names_itself(text):
    with pytest.raises(ValueError, match=r"environment variable (MISSING|EMPTY) is not set: .*:-default"):
        expand(text, ENVIRON)


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${HOST", "${HO ST}", "${HOST:default}"])
def test_malformed_references_show_the_forms(text):
    with pytest.raises(ValueError, match=r"write \$\{NAME\}"):
        expand(text, ENVIRON)


@settings(deadline=None)
@given(st.text())
def test_a_value_is_taken_as_it_is(value):
    expected = value or "none"
    assert expand("<${V:-none}>", {"V": value}) == f"<{expected}>"


@settings(deadline=None)
@given(st.text(alphabet="ab$ {}:-"))
def test_doubling_the_dollar_protects_every_text(text):
    assert expand(text.replace("${", "$${"), {}) == text


def test_has_reference():
    assert has_reference("x${A}")
    assert not has_reference("x$${A}")
    assert not has_reference("x")
