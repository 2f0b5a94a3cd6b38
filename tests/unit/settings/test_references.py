"""References in settings: found, left out, filled in."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.settings.references import filled, is_reference, references_in, without_references

URL = "postgresql://user:${secret:db#password}@${secret:db#host}:5432/name"


def names(text: str, within: bool = True) -> list[str]:
    return [str(reference) for reference in references_in(text, within=within)]


def test_they_are_found():
    assert names("secret:jwt#key") == ["secret:jwt#key"]
    assert names(URL) == ["secret:db#password", "secret:db#host"]
    assert names(URL, within=False) == []
    assert names("secret:jwt#key", within=False) == ["secret:jwt#key"]


@pytest.mark.parametrize(
    "text", ["", "x", "secret:", "${secret:}", "${secret:a}", "$secret:a#b", "${other:a#b}"]
)
def test_other_texts_have_none(text):
    assert names(text) == []
    assert filled(text, lambda _: "never") == text
    assert without_references(text) == text


def test_they_are_filled_in():
    values = {"secret:db#password": "p@ss/w:rd%", "secret:db#host": "10.0.0.1", "secret:jwt#key": "p@ss"}
    assert filled("secret:jwt#key", lambda one: values[str(one)]) == "p@ss"
    whole = urlsplit(filled(URL, lambda one: values[str(one)]))
    assert (unquote(whole.password or ""), whole.hostname, whole.port) == ("p@ss/w:rd%", "10.0.0.1", 5432)


@given(st.text(max_size=30))
def test_no_password_changes_the_rest_of_the_url(password):
    found = urlsplit(filled("redis://:${secret:r#p}@host:6379/0", lambda _: password))
    assert (found.hostname, found.port, found.path, found.query, found.fragment) == (
        "host",
        6379,
        "/0",
        "",
        "",
    )
    assert unquote(found.password or "") == password


def test_what_is_left_without_them_is_a_url_of_the_same_shape():
    assert without_references(URL) == "postgresql://user:1@1:5432/name"
    assert is_reference("secret:a#b")
    assert not is_reference(URL)
