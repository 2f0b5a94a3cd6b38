"""Boxes open with their key, in their place, unchanged; and otherwise not at all."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.infrastructure.secrets_file.keyring import DamagedError, Keyring, UnknownKeyError

OLD, NEW = b"o" * 32, b"n" * 32
RING = Keyring([OLD])
BYTES = st.binary(max_size=64)


@given(BYTES, BYTES)
def test_what_was_closed_opens_in_its_place(plain, context):
    assert RING.open(RING.close(plain, context), context) == plain


@given(BYTES, BYTES, BYTES)
def test_it_opens_nowhere_else(plain, context, other):
    if other != context:
        with pytest.raises(DamagedError):
            RING.open(RING.close(plain, context), other)


@given(BYTES, st.sampled_from(["nonce", "data"]), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_seen(plain, part, place, change):
    box = RING.close(plain, b"c")
    raw = bytearray(b64decode(box[part]))
    raw[place % len(raw)] ^= change
    with pytest.raises(DamagedError):
        RING.open(box | {part: b64encode(raw).decode()}, b"c")


def test_no_two_boxes_are_alike():
    boxes = [RING.close(b"same", b"c") for _ in range(50)]
    assert len({box["nonce"] for box in boxes}) == len({box["data"] for box in boxes}) == 50


def test_the_first_key_closes_and_all_open():
    box = RING.close(b"x", b"c")
    both = Keyring([NEW, OLD])
    assert both.open(box, b"c") == b"x"
    assert both.close(b"x", b"c")["key"] == both.first == Keyring([NEW]).first
    with pytest.raises(UnknownKeyError):
        Keyring([NEW]).open(box, b"c")


def test_a_box_names_its_key_and_does_not_show_it():
    assert OLD.hex() not in str(RING.close(b"", b""))
    assert len(RING.first) == 16


@pytest.mark.parametrize("box", [None, [], "x", 7, {}, {"key": []}, {"key": RING.first, "nonce": "?", "data": ""},
                                 {"key": RING.first, "nonce": "AAAA", "data": "AAAA"},
                                 {"key": RING.first, "nonce": None, "data": None}])  # fmt: skip
def test_what_is_no_box_is_damaged(box):
    with pytest.raises(DamagedError):
        RING.open(box, b"c")


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b"x" * 33]])
def test_keys_have_32_bytes(keys):
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(keys)
