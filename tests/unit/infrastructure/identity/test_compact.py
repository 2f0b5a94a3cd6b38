"""Tokens are read strictly: whatever could be read in two ways is refused before a key is looked for."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import CredentialsInvalid
from brain_gateway.infrastructure.identity.compact import MAX_TOKEN_BYTES, encode_part, parse, strict_object
from tests.builders.issuer import hs256, part

HEAD, PAYLOAD, SIGNATURE = hs256().split(b".")


def token(header):
    return b".".join((part(header), PAYLOAD, SIGNATURE))


def test_the_parts_of_a_token():
    compact = parse(token({"alg": "ES256", "typ": "at+JWT", "kid": "k1"}))
    assert (compact.algorithm, compact.key_id) == ("ES256", "k1")
    assert compact.signing_input + b"." + encode_part(compact.signature) == token(
        {"alg": "ES256", "typ": "at+JWT", "kid": "k1"}
    )
    assert b'"tenant_id"' in compact.claims


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"..",
        b"a.b",
        HEAD + b"." + PAYLOAD,
        HEAD + b"." + PAYLOAD + b".",
        b"." + PAYLOAD + b"." + SIGNATURE,
        b".".join((HEAD, PAYLOAD, SIGNATURE, SIGNATURE, SIGNATURE)),
        b".".join((HEAD, PAYLOAD, SIGNATURE)) + b"\n",
        b" " + b".".join((HEAD, PAYLOAD, SIGNATURE)),
        b".".join((HEAD + b"=", PAYLOAD, SIGNATURE)),
        b".".join((HEAD, PAYLOAD, SIGNATURE + b"=")),
        b".".join((HEAD, PAYLOAD[:-1] + b"+", SIGNATURE)),
        b".".join((HEAD, PAYLOAD[:-1] + b"/", SIGNATURE)),
        b".".join((HEAD, PAYLOAD, "\u017f".encode())),
        b".".join((HEAD, PAYLOAD, b"\xff\xfe")),
        b".".join((HEAD, PAYLOAD, b"A")),
        b".".join((HEAD, PAYLOAD, b"AB")),  # canonical would be AA: the last bits are not zero
        HEAD + b".." + SIGNATURE,
    ],
)
def test_what_is_not_three_canonical_parts_is_refused(text):
    with pytest.raises(CredentialsInvalid):
        parse(text)


def test_the_length_is_bounded():
    filler = b"A" * (MAX_TOKEN_BYTES - len(HEAD) - len(SIGNATURE) - 2)
    parse(b".".join((HEAD, filler[: len(filler) // 4 * 4], SIGNATURE)))
    with pytest.raises(CredentialsInvalid, match="longer than 8192"):
        parse(b".".join((HEAD, filler + b"AAAA", SIGNATURE)))


@pytest.mark.parametrize(
    "header",
    [
        [],
        "HS256",
        {},
        {"alg": None},
        {"alg": ["HS256"]},
        {"alg": "HS256", "kid": 7},
        {"alg": "HS256", "kid": "k" * 257},
        {"alg": "HS256", "crit": ["exp"], "exp": 1},
        {"alg": "HS256", "crit": []},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "HS256", "b64": True},
        {"alg": "HS256", "typ": "dpop+jwt"},
        {"alg": "HS256", "typ": "logout+jwt"},
        {"alg": "HS256", "typ": 1},
        b"",
        b"{",
        b"\xff{}",
        b'{"alg":"HS256","alg":"none"}',
        b'{"alg":"HS256","x":NaN}',
        b'{"alg":"HS256"}{}',
        b'{"alg":"HS256","x":' + b"[" * 1500 + b"]" * 1500 + b"}",
        b'{"alg":"HS256","x":' + b"9" * 5000 + b"}",
        '\ufeff{"alg":"HS256"}'.encode(),
        '{"alg":"HS256"}'.encode("utf-16"),
    ],
    ids=lambda header: repr(header)[:40],
)
def test_an_odd_header_is_refused(header):
    with pytest.raises(CredentialsInvalid):
        parse(token(header))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "x5t", "cty", "zip"])
def test_fields_that_bring_a_key_are_not_read(name):
    compact = parse(token({"alg": "HS256", name: "https://attacker.example/keys"}))
    assert not hasattr(compact, name)


def test_repeated_names_are_refused_at_any_depth():
    with pytest.raises(CredentialsInvalid, match="unique"):
        strict_object(b'{"a":{"b":1,"b":2}}', "claims")


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(data):
    with contextlib.suppress(CredentialsInvalid):
        parse(data)


@given(st.binary(max_size=60), st.binary(max_size=60).filter(bool))
def test_any_payload_and_signature_come_back_unchanged(payload, signature):
    text = b".".join((HEAD, encode_part(payload), encode_part(signature)))
    if not payload:
        with pytest.raises(CredentialsInvalid):
            parse(text)
        return
    compact = parse(text)
    assert (compact.claims, compact.signature) == (payload, signature)
    assert base64.urlsafe_b64decode(encode_part(payload) + b"==") == payload
