"""The chunked coding against a reference that reads the grammar of RFC 9112 section 7.1 from the whole input."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.http import chunked
from brain_gateway.domain.http.chunked import LAST_CHUNK, ChunkedDecoder, LengthDecoder, encode_chunk
from tests.builders.pieces import cut, cuts, every_cut

VCHAR = rb"[\t\x20-\x7e\x80-\xff]"
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;" + VCHAR + rb"*)?\r\n")
TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:" + VCHAR + rb"*\r\n")


def reference(data: bytes) -> tuple[bytes, bytes] | None:
    """The body and what follows it, when `data` begins with a whole chunked body; else None."""
    body = b""
    at = 0
    while (line := SIZE_LINE.match(data, at)) is not None:
        at = line.end()
        size = int(line[1], 16)
        if size == 0:
            while (trailer := TRAILER.match(data, at)) is not None:
                at = trailer.end()
            return (body, data[at + 2 :]) if data[at : at + 2] == b"\r\n" else None
        if data[at + size : at + size + 2] != b"\r\n":
            return None
        body += data[at : at + size]
        at += size + 2
    return None


def decode(pieces: list[bytes], decoder: ChunkedDecoder | LengthDecoder) -> tuple[bytes, bytes] | str:
    """The body and the rest; "refused" or "unfinished" otherwise. What comes after the end is added to the rest."""
    body = rest = b""
    for piece in pieces:
        if decoder.done:
            rest += piece
            continue
        try:
            body += b"".join(decoder.feed(piece))
        except MalformedRequest:
            return "refused"
        rest = decoder.rest
    return (body, rest) if decoder.done else "unfinished"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Chunked bodies in every legal spelling, with something behind them."""
    spelling = st.sampled_from(["%x", "%X", "00%x"])
    extension = st.sampled_from([b"", b"", b";a", b' ; name="v;\x80"', b"\t;=" + b"e" * 40])
    chunks = draw(st.lists(st.tuples(st.binary(min_size=1, max_size=40), spelling, extension), max_size=5))
    parts = [(form % len(data)).encode() + extra + b"\r\n" + data + b"\r\n" for data, form, extra in chunks]
    parts.append(draw(st.sampled_from([b"0", b"000"])) + draw(extension) + b"\r\n")
    parts += draw(st.lists(st.sampled_from([b"X-Sum: 1\r\n", b"a:\r\n", b"T: \xc3\xa9\t\r\n"]), max_size=3))
    return b"".join(parts) + b"\r\n" + draw(st.binary(max_size=10))


@given(bodies(), cuts())
def test_decodes_as_the_reference_does_however_it_is_cut(data, places):
    expected = reference(data)
    assert expected is not None
    assert decode(cut(data, places), ChunkedDecoder()) == expected


def test_every_way_to_cut_a_small_body():
    data = b"2\r\nab\r\n0\r\n\r\nZ"
    assert {decode(pieces, ChunkedDecoder()) for pieces in every_cut(data)} == {(b"ab", b"Z")}


@settings(max_examples=4 * settings.default.max_examples)
@given(bodies(), st.data())
def test_mutated_framing_means_the_same_to_all_cuts_and_to_the_reference(data, choice):
    at = choice.draw(st.integers(0, len(data)))
    took = choice.draw(st.integers(0, 2))
    put = choice.draw(
        st.sampled_from([b"", b"\n", b"\r", b"\r\n", b" ", b"\0", b"-", b"g", b"0", b";", b":"])
    )
    mutated = data[:at] + put + data[at + took :]
    outcome = decode([mutated], ChunkedDecoder())
    assert decode(cut(mutated, choice.draw(cuts())), ChunkedDecoder()) == outcome
    assert (outcome if isinstance(outcome, tuple) else None) == reference(mutated)


MALFORMED = {
    "bare LF after the size": b"2\nab\r\n0\r\n\r\n",
    "bare LF after the data": b"2\r\nab\n0\r\n\r\n",
    "bare LF at the end": b"2\r\nab\r\n0\r\n\n",
    "bare LF in an extension": b"2;a\nb\r\nab\r\n0\r\n\r\n",
    "CR without LF after the data": b"2\r\nab\rX0\r\n\r\n",
    "data longer than its size": b"2\r\nabc\r\n0\r\n\r\n",
    "LF CR": b"2\n\rab\r\n0\r\n\r\n",
    "no digits": b"\r\nab\r\n0\r\n\r\n",
    "not hexadecimal": b"g\r\n\r\n",
    "a sign": b"+2\r\nab\r\n0\r\n\r\n",
    "a minus sign": b"-2\r\nab\r\n0\r\n\r\n",
    "0x": b"0x2\r\nab\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
    "white space before": b" 2\r\nab\r\n0\r\n\r\n",
    "white space behind": b"2 \r\nab\r\n0\r\n\r\n",
    "digits of another script": "٢\r\nab\r\n0\r\n\r\n".encode(),
    "sixteen digits": b"0000000000000002\r\nab\r\n0\r\n\r\n",
    "NUL in an extension": b"2;\0\r\nab\r\n0\r\n\r\n",
    "a long extension": b"2;" + b"e" * 300 + b"\r\nab\r\n0\r\n\r\n",
    "trailer without colon": b"0\r\nX\r\n\r\n",
    "folded trailer": b"0\r\nX: 1\r\n 2\r\n\r\n",
    "space before a trailer's colon": b"0\r\nX : 1\r\n\r\n",
    "NUL in a trailer": b"0\r\nX: \0\r\n\r\n",
    "bare CR in a trailer": b"0\r\nX: a\rb\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_broken_framing_is_refused_however_it_is_cut(data):
    assert {decode(pieces, ChunkedDecoder()) for pieces in every_cut(data, most=1)} == {"refused"}


@pytest.mark.parametrize("longest", [b"2;" + b"e" * (chunked.LONGEST_LINE - 2), b"2;e"])
def test_a_size_line_at_its_longest_passes_however_it_is_cut(longest):
    data = longest + b"\r\nab\r\n0\r\n\r\n"
    assert {decode(pieces, ChunkedDecoder()) for pieces in every_cut(data, most=1)} == {(b"ab", b"")}


def test_extensions_are_bounded_in_all():
    line = b"1;" + b"e" * 200 + b"\r\na\r\n"
    allowed = chunked.MOST_EXTENSION_BYTES // 201
    assert decode([line * allowed + LAST_CHUNK], ChunkedDecoder()) == (b"a" * allowed, b"")
    assert decode([line] * (allowed + 1), ChunkedDecoder()) == "refused"


@pytest.mark.parametrize(
    "data",
    [b"0\r\n" + b"X: 1\r\n" * 2000, b"0\r\nX: " + b"1" * 9000, b"0\r\nX: " + b"1" * 9000 + b"\r\n\r\n"],
    ids=["many", "one without end", "one long"],
)
def test_trailers_are_bounded(data):
    assert decode([data], ChunkedDecoder()) == "refused"
    assert decode(cut(data, range(0, len(data), 700)), ChunkedDecoder()) == "refused"


def test_an_endless_size_line_is_refused_before_it_ends():
    assert decode([b"0" * 100] * 3, ChunkedDecoder()) == "refused"


def test_nothing_is_copied_when_a_piece_is_all_body():
    decoder = ChunkedDecoder()
    decoder.feed(b"ff\r\n")
    piece = b"x" * 100
    (taken,) = decoder.feed(piece)
    assert taken is piece


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6), cuts())
def test_what_is_encoded_is_decoded(pieces, places):
    encoded = b"".join(map(encode_chunk, pieces)) + LAST_CHUNK
    assert decode(cut(encoded, places), ChunkedDecoder()) == (b"".join(pieces), b"")


@given(st.binary(max_size=60), st.integers(0, 60), cuts(60))
def test_a_known_length_takes_exactly_that_much(data, length, places):
    outcome = decode(cut(data, places), LengthDecoder(length))
    assert outcome == ((data[:length], data[length:]) if len(data) >= length else "unfinished")


def test_a_known_length_passes_pieces_through_uncopied():
    decoder = LengthDecoder(6)
    first, second = b"abc", b"def"
    assert decoder.feed(first)[0] is first
    assert decoder.feed(second)[0] is second
    assert decoder.done
