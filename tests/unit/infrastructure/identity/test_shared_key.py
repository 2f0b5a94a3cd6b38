"""HS256 as PyJWT has it, without PyJWT; and what it refuses as a secret is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.infrastructure.identity.shared_key import is_secret, sign, verifies

PYJWT = jwt.get_algorithm_by_name("HS256")
_EC = ec.generate_private_key(ec.SECP256R1()).public_key()
_RSA = rsa.generate_private_key(65537, 2048).public_key()
_JWK = {"kty": "oct", "k": "c2VjcmV0"}
KEYS = [
    "",
    _EC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    "\n  " + _RSA.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode(),
    _RSA.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
    _EC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
    "ssh-ed25519 AAAA",
    "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
    json.dumps(_JWK),
    " \n" + json.dumps({"keys": [_JWK]}),
    json.dumps([_JWK]),
    json.dumps({"a": [{"b": _JWK}]}),
    '[[{"\\u006bty": "oct"}]]',
    "[" * 100_000 + '{"kty": 1}',
    "{" * 10 + '"kty"' * 3,
]
SECRETS = [
    "hush",
    "0123456789abcdef",
    "0\x82\x01",
    "----",
    "-----BEGIN",
    "{",
    '["a"]',
    '"kty"',
    "kty",
    "é",
    "ssh",
    "a[b",
]


def pyjwt_takes(text: str) -> bool:
    try:
        PYJWT.prepare_key(text)
    except jwt.InvalidKeyError:
        return False
    return True


@pytest.mark.parametrize("text", KEYS, ids=range(len(KEYS)))
def test_what_is_a_key_of_another_kind_is_no_secret(text):
    assert is_secret(text) is pyjwt_takes(text)
    assert is_secret(text) is (text == KEYS[-1])  # which PyJWT takes for text


@pytest.mark.parametrize("text", SECRETS)
def test_text_is_a_secret(text):
    assert is_secret(text)
    assert pyjwt_takes(text)


@given(
    st.text()
    | st.text('{}[]":kty0-BEGIN \n', max_size=60)
    | st.binary().map(lambda raw: raw.decode("latin-1"))
)
def test_nothing_is_a_secret_that_pyjwt_refuses(text):
    try:
        taken = pyjwt_takes(text)
    except UnicodeEncodeError:
        return
    assert is_secret(text) is taken


@given(st.binary(min_size=1), st.binary())
def test_signatures_are_those_of_pyjwt(key, text):
    signature = sign(key, text)
    assert signature == PYJWT.sign(text, key)
    assert verifies(key, text, signature)
    assert not verifies(key, text + b".", signature)
    assert not verifies(key + b".", text, signature)
    assert not verifies(key, text, signature[:-1])
    assert not verifies(key, text, b"")


def test_a_token_is_minted_and_verified_without_the_libraries():
    code = (
        "import sys\n"
        "from brain_gateway.infrastructure.identity.config import VerifierConfig\n"
        "from brain_gateway.infrastructure.identity.development import DEMO_TENANT_ID, mint\n"
        "from brain_gateway.infrastructure.identity.verifier import TokenVerifier\n"
        "token = mint('hush' * 9, DEMO_TENANT_ID, 'u', ['client'], 60, 1000.0)\n"
        "print(TokenVerifier(VerifierConfig(secret='hush' * 9)).verify(token.encode(), 1001.0).user_id)\n"
        "print([name for name in ('jwt', 'cryptography', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["u", "[]"]
