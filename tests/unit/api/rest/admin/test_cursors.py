"""Cursors and slugs: what was given comes back, and nothing else is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.api.rest.admin.cursors import (
    BY_ID,
    BY_NAME,
    BY_SEQUENCE,
    from_text,
    part,
    slug,
    to_text,
    unslug,
)
from brain_gateway.domain.errors import MalformedRequest

ID = "10000000-0000-4000-8000-000000000001"
KEYS = [(BY_NAME, ("shop", ID)), (BY_ID, (ID,)), (BY_SEQUENCE, ("17",))]


@pytest.mark.parametrize(("shape", "key"), KEYS)
def test_a_cursor_comes_back_as_its_key(shape, key):
    assert from_text(to_text(key), shape) == key


FORGED = [
    "", "x", "%%%", "a" * 500, slug("shop"), slug(f"shop\n{ID}\nmore"), slug(f"Shop\n{ID}"), slug("shop\n' OR 1=1"),
    slug(f"shop\n{ID.upper()}X"), slug("\n"), to_text(("shop", ID)) + "=", to_text(("shop", ID))[:-1], slug("٣"),
]  # fmt: skip


@pytest.mark.parametrize("text", FORGED)
@pytest.mark.parametrize("shape", [BY_NAME, BY_ID, BY_SEQUENCE], ids=["name", "id", "sequence"])
def test_what_the_list_did_not_give_is_refused(text, shape):
    with pytest.raises(MalformedRequest):
        from_text(text, shape)


@given(st.text())
def test_any_text_is_a_path_segment_as_a_slug(text):
    assert unslug(slug(text)) == text
    assert set(slug(text)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=30))
def test_a_text_has_one_slug(text):
    found = unslug(text)
    assert found is None or slug(found) == text


@pytest.mark.parametrize("name", ["http://10.0.0.5:8003", "https://[::1]:443", "GET /items/{id:int}", "* /a"])
def test_a_part_of_a_service_is_named_as_it_is_or_by_its_slug(name):
    assert part(name) == part(slug(name)) == name
