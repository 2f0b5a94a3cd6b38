"""Entity tags and conditions (RFC 9110 section 13)."""

from __future__ import annotations

import pytest

from brain_gateway.api.rest.admin.preconditions import (
    entity_tag,
    expected_version,
    is_known,
    several,
    tags_of,
)
from brain_gateway.domain.errors import PreconditionFailed

ID = "10000000-0000-4000-8000-000000000001"
OTHER = "20000000-0000-4000-8000-000000000001"


def test_a_tag_says_what_and_which_version():
    assert entity_tag(ID, 7) == f'"{ID}.7"'
    assert tags_of('"a.1", W/"b.2" , "c,d.3"') == ["a.1", "c,d.3"]
    assert tags_of(" * ") == ["*"]


@pytest.mark.parametrize(
    ("field", "version"), [(None, None), ("*", None), (f'"{ID}.7"', 7), (f'"x.1", "{ID}.3"', 3)]
)
def test_the_version_that_is_asked_for(field, version):
    assert expected_version(field, ID) == version


def test_of_several_versions_the_one_that_holds_is_chosen():
    field = f'"{ID}.3", "{ID}.9"'
    assert several(field)
    assert not several(f'"{ID}.3"')
    assert not several(None)
    assert expected_version(field, ID, 3) == 3
    assert expected_version(field, ID, 5) == 9


FORGED = [
    "", "x", '"', f'"{ID}"', f'"{ID}."', f'"{ID}.0"', f'"{ID}.-1"', f'"{ID}.1.1"', f'"{OTHER}.1"', f"{ID}.1",
    f'W/"{ID}.1"', f'"{ID}.{"9" * 30}"', f'"{ID}.\uff11"',
]  # fmt: skip


@pytest.mark.parametrize("field", FORGED)
def test_a_tag_that_is_of_no_version_holds_for_none(field):
    with pytest.raises(PreconditionFailed):
        expected_version(field, ID)


@pytest.mark.parametrize(
    ("field", "known"),
    [
        (None, False), ("*", True), ('"a.1"', True), ('W/"a.1"', True), ('"b.1", "a.1"', True), ('"a.2"', False),
        ("a.1", False),
    ],
)  # fmt: skip
def test_what_the_caller_has_already(field, known):
    assert is_known(field, '"a.1"') is known
