"""Nothing passes that could end a header or split a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.infrastructure.identity.header_safe import is_role, is_user_id


@given(st.text(max_size=300))
def test_what_passes_is_visible_ascii(text):
    if is_user_id(text) or is_role(text):
        assert all("\x21" <= character <= "\x7e" for character in text)
        assert 1 <= len(text) <= 255
    if is_role(text):
        assert len(text) <= 64
        assert not set(text) & set(',;:"()<>@/[]{}?=\\')


@pytest.mark.parametrize("text", ["auth0|5f7c", "a@example.com", "urn:x:y", "x" * 255, "42"])
def test_usual_user_ids_pass(text):
    assert is_user_id(text)


@pytest.mark.parametrize("text", ["super_admin", "tenant-admin", "crm.read", "x" * 64])
def test_usual_roles_pass(text):
    assert is_role(text)


@pytest.mark.parametrize("text", ["a\n", "a\r\nb", "", "a b", "a\x7f", "é", "x" * 256])
def test_these_do_not(text):
    assert not is_user_id(text)
    assert not is_role(text)
