"""Which JWKs become keys, and for what."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.identity.keys import (
    MAX_KEYS,
    parse_key_set,
    shared_secret,
    verification_key,
)
from tests.builders.issuer import KINDS, Issuer


@pytest.fixture
def issuer():
    issuer = Issuer()
    for algorithm in KINDS:
        issuer.add(algorithm, algorithm)
    return issuer


@pytest.mark.parametrize(
    ("kid", "changes", "usable"),
    [
        ("RS256", {}, {"RS256"}),
        ("PS256", {}, {"PS256"}),
        ("RS256", {"alg": None}, {"RS256", "PS256"}),
        ("RS256", {"alg": "ES256"}, None),
        ("RS256", {"alg": "HS256"}, None),
        ("RS256", {"alg": "RS512"}, None),
        ("RS256", {"use": None}, {"RS256"}),
        ("RS256", {"use": "enc"}, None),
        ("RS256", {"key_ops": ["verify"]}, {"RS256"}),
        ("RS256", {"key_ops": ["encrypt"]}, None),
        ("RS256", {"key_ops": "verify"}, None),
        ("RS256", {"kid": None}, {"RS256"}),
        ("RS256", {"kid": 7}, None),
        ("RS256", {"kty": "oct"}, None),
        ("RS256", {"kty": ["RSA"]}, None),
        ("RS256", {"n": None}, None),
        ("RS256", {"n": "!!"}, None),
        ("RS256", {"e": 65537}, None),
        ("ES256", {}, {"ES256"}),
        ("ES256", {"alg": None}, {"ES256"}),
        ("ES256", {"crv": "P-384"}, None),
        ("ES256", {"crv": "P-521"}, None),
        ("ES256", {"crv": None}, None),
        ("ES256", {"y": "AAAA"}, None),
        ("ES384", {}, {"ES384"}),
        ("EdDSA", {}, {"EdDSA"}),
        ("EdDSA", {"crv": "X25519"}, None),
        ("EdDSA", {"x": "AAAA"}, None),
    ],
)
def test_a_key_is_for_the_algorithms_of_its_kind(issuer, kid, changes, usable):
    key = verification_key(issuer.jwk(kid, **changes))
    assert (None if key is None else key.algorithms) == usable


def test_symmetric_keys_are_not_taken_from_a_key_set():
    assert verification_key({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}) is None


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP256K1()),
        ed448.Ed448PrivateKey.generate(),
    ],
)
def test_weak_and_unusual_keys_are_skipped(key):
    name = {"RSA": "RS256", "ECP": "ES256", "Ed4": "EdDSA"}[type(key).__name__.lstrip("_")[:3]]
    algorithm = jwt.get_algorithm_by_name(name)
    assert verification_key(algorithm.to_jwk(key.public_key(), as_dict=True)) is None


def test_private_members_are_not_read():
    issuer = Issuer()
    issuer.add("k", "EdDSA")
    private = jwt.get_algorithm_by_name("EdDSA").to_jwk(issuer.keys["k"][1], as_dict=True)
    key = verification_key({**private, "kid": "k"})
    assert "d" in private
    assert key is not None
    assert type(key.material).__name__.endswith("PublicKey")


def test_a_set_finds_keys_by_id_and_skips_what_it_does_not_know(issuer):
    entries = [
        issuer.jwk("RS256"),
        {"kty": "new"},
        "text",
        None,
        issuer.jwk("ES256", kid="RS256"),
        issuer.jwk("EdDSA"),
    ]
    keys = parse_key_set(json.dumps({"keys": entries, "extra": 1}).encode())
    assert [sorted(key.algorithms) for key in keys.named("RS256")] == [["RS256"], ["ES256"]]
    assert len(keys.named(None)) == 3
    assert keys.named("ES256") == ()


def test_the_same_key_is_equal_and_another_is_not():
    one, two = Issuer(), Issuer()
    one.add("k", "ES256", 1)
    two.add("k", "ES256", 2)
    assert parse_key_set(one.jwks()).keys == parse_key_set(one.jwks()).keys
    assert parse_key_set(one.jwks()).keys != parse_key_set(two.jwks()).keys


NO_SETS = [
    b"",
    b"[]",
    b"{}",
    b'{"keys":{}}',
    b"<html>",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"keys":' + b"9" * 5000,
]


@pytest.mark.parametrize("body", NO_SETS, ids=lambda body: repr(body[:12]))
def test_what_is_no_key_set_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011  (the texts are json's own)
        parse_key_set(body)


def test_an_empty_set_is_a_set():
    assert parse_key_set(b'{"keys":[]}').keys == frozenset()


def test_the_number_of_keys_is_bounded(issuer):
    entry = issuer.jwk("EdDSA")
    entries = [{**entry, "kid": str(n)} for n in range(MAX_KEYS + 1)]
    assert len(parse_key_set(json.dumps({"keys": entries}).encode()).keys) == MAX_KEYS


def test_the_key_of_a_secret_hides_it():
    assert "hush" not in repr(shared_secret("hush-hush-hush-hush"))
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        shared_secret("")
