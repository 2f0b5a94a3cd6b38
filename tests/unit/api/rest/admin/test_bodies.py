"""Request bodies: media types, bounds, and JSON that can be read in one way only."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from brain_gateway.api.rest.admin.bodies import MAX_DEPTH, check_media_type, read_bounded, read_json
from brain_gateway.domain.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType

JSON = ["application/json"]


@pytest.mark.parametrize(
    "given_", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_media_types_that_are_taken(given_):
    check_media_type(given_, JSON)


@pytest.mark.parametrize(
    "given_",
    [
        None,
        "",
        "text/json",
        "application/jsonx",
        "application/json, text/plain",
        "application/json;charset=latin-1",
    ],
)
def test_media_types_that_are_not(given_):
    with pytest.raises(UnsupportedMediaType):
        check_media_type(given_, JSON)


def request(*pieces: bytes, length: str | None = None, gone: bool = False) -> Request:
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b""})

    async def receive():
        return messages.pop(0)

    headers = [] if length is None else [(b"content-length", length.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


@pytest.mark.anyio
async def test_a_body_is_read_to_its_bound():
    assert await read_bounded(request(b"ab", b"cd"), 4) == b"abcd"
    with pytest.raises(BodyTooLarge):
        await read_bounded(request(b"ab", b"cd"), 3)


@pytest.mark.anyio
@pytest.mark.parametrize("length", ["5", "9" * 40])
async def test_a_body_that_announces_more_is_not_read(length):
    with pytest.raises(BodyTooLarge):
        await read_bounded(request(gone=True, length=length), 4)


@pytest.mark.anyio
async def test_a_body_that_breaks_off_is_none():
    with pytest.raises(MalformedRequest):
        await read_bounded(request(b"ab", gone=True), 4)


def test_a_broken_document_is_placed():
    with pytest.raises(MalformedRequest, match="line 2, column 3"):
        read_json(b'{"a": 1,\n  b: 2}')


def test_a_member_that_is_there_twice_is_named():
    with pytest.raises(MalformedRequest, match="'limit'"):
        read_json(b'{"x": {"limit": 1, "limit": 2}}')


def test_nesting_is_bounded():
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    assert read_json(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 1000, 100_000):
        with pytest.raises(MalformedRequest):
            read_json(nested(depth))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_json_is_read_as_it_is(value):
    assert read_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_refused(body):
    with contextlib.suppress(MalformedRequest):
        json.dumps(read_json(body)).encode()


def test_of_many_members_the_one_that_is_there_twice_is_found():
    members = ",".join(f'"{number}":1' for number in range(50_000))
    with pytest.raises(MalformedRequest, match="'49999'"):
        read_json(f'{{{members},"49999":1}}'.encode())
