"""Types of parameters: what they take, and which two can take the same text."""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.routing.parameter_type import PARAMETER_TYPES, ParameterValue, share_a_text

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "a", "a"),
        ("str", "ü b\n", "ü b\n"),
        ("str", "", None),
        ("str", "a/b", None),
        ("int", "0", 0),
        ("int", "007", 7),
        ("int", "9" * 19, int("9" * 19)),
        ("int", "9" * 20, None),
        ("int", "-1", None),
        ("int", "1\n", None),
        ("int", "\u0661", None),
        ("int", "", None),
        ("slug", "a-B_9", "a-B_9"),
        ("slug", "a.b", None),
        ("slug", "ü", None),
        ("slug", "", None),
        ("uuid", ID, UUID(ID)),
        ("uuid", ID.upper(), UUID(ID)),
        ("uuid", ID.replace("-", ""), None),
        ("uuid", f"{{{ID}}}", None),
        ("uuid", ID + "\n", None),
        ("path", "", ""),
        ("path", "a/b//c\n", "a/b//c\n"),
    ],
)
def test_values(kind: str, text: str, value: ParameterValue | None) -> None:
    accepted = PARAMETER_TYPES[kind].accepts(text)
    assert accepted is (value is not None)
    if accepted:
        assert PARAMETER_TYPES[kind].convert(text) == value


@given(st.sampled_from(list(PARAMETER_TYPES)), st.text())
def test_what_is_accepted_can_be_converted(kind: str, text: str) -> None:
    if PARAMETER_TYPES[kind].accepts(text):
        PARAMETER_TYPES[kind].convert(text)


def test_types_of_a_rank_share_a_text_exactly_where_an_example_exists() -> None:
    examples = ["5", "a", ID, "a b"]
    for one, other in product(PARAMETER_TYPES.values(), repeat=2):
        if one.rank == other.rank:
            together = any(one.accepts(text) and other.accepts(text) for text in examples)
            assert share_a_text(one, other) is together
