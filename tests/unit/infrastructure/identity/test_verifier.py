"""Attacks on the choice of the key: a token never decides how it is verified."""

from __future__ import annotations

import json

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from brain_gateway.application.ports.token_verifier import PENDING
from brain_gateway.domain.errors import ConfigurationError, CredentialsInvalid, IdentityUnavailable
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.denylist import Denylist
from brain_gateway.infrastructure.identity.verifier import TokenVerifier
from tests.builders.issuer import NOW, SECRET, Body, Issuer, claims, hs256, part, private_key, sign

pytestmark = pytest.mark.anyio
URL = "https://issuer.example/jwks.json"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def issuer():
    issuer = Issuer()
    for kid, algorithm in (("rsa", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("ed", "EdDSA")):
        issuer.add(kid, algorithm)
    return issuer


async def loaded(document: bytes, **config) -> TokenVerifier:
    """A verifier that has fetched this JWK Set."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Body(document)))
    verifier = TokenVerifier(VerifierConfig(jwks_url=URL, **config), transport=transport)
    await verifier.resolve(sign("ES256", private_key("ES256"), {"alg": "ES256", "kid": "?"}, claims()))
    return verifier


def refuses(verifier: TokenVerifier, token: bytes) -> str:
    with pytest.raises(CredentialsInvalid) as caught:
        verifier.verify(token, NOW)
    return caught.value.detail


def public_pem(algorithm: str) -> bytes:
    return (
        private_key(algorithm)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def hmac_signed(secret: bytes, header) -> bytes:
    """Signed by hand: PyJWT would refuse such a secret."""
    signing_input = part(header) + b"." + part(claims())
    signature = jwt.get_algorithm_by_name("HS256").sign(signing_input, secret)
    return signing_input + b"." + part(signature)


async def test_a_public_key_is_no_shared_secret(issuer):
    verifier = await loaded(issuer.jwks())
    for form in (public_pem("RS256"), public_pem("RS256").strip(), json.dumps(issuer.jwk("rsa")).encode()):
        for kid in ("rsa", None):
            assert "alg" in refuses(verifier, hmac_signed(form, {"alg": "HS256", "kid": kid}))


async def test_nor_when_there_is_a_secret_as_well(issuer):
    verifier = await loaded(issuer.jwks(), secret=SECRET)
    assert "signature" in refuses(verifier, hmac_signed(public_pem("RS256"), {"alg": "HS256", "kid": "rsa"}))
    assert verifier.verify(hs256(), NOW).user_id == "user-1"
    assert verifier.verify(issuer.token("rsa"), NOW).user_id == "user-1"


def test_a_public_key_is_refused_as_jwt_secret():
    for text in (public_pem("RS256").decode(), '{"kty":"oct","k":"AAAA"}'):
        with pytest.raises(ConfigurationError, match="JWT_SECRET"):
            TokenVerifier(VerifierConfig(secret=text))


SPELLINGS = ["none", "None", "NONE", "nOnE", "", " HS256", "hs256", "HS256 ", "../HS256", "HS256\u0000"]
OTHERS = ["HS384", "HS512", "RS384", "RS512", "ES512", "ES256K", "PS512", "dir", "A128KW"]


@pytest.mark.parametrize("algorithm", [*SPELLINGS, *OTHERS])
async def test_other_algorithms_and_spellings_are_refused(issuer, algorithm):
    verifier = await loaded(issuer.jwks(), secret=SECRET)
    _, payload, signature = hs256().split(b".")
    for kid in (None, "rsa"):
        head = part({"alg": algorithm, "kid": kid})
        for tail in (signature, b"AA"):
            assert "alg" in refuses(verifier, b".".join((head, payload, tail)))
        with pytest.raises(CredentialsInvalid):
            verifier.verify(head + b"." + payload + b".", NOW)


async def test_a_key_is_used_for_its_own_kind_alone(issuer):
    verifier = await loaded(issuer.jwks())
    kinds = {"rsa": "RS256", "p256": "ES256", "p384": "ES384", "ed": "EdDSA"}
    for kid, own in kinds.items():
        assert verifier.verify(issuer.token(kid), NOW).user_id == "user-1"
        for algorithm in {*kinds.values(), "PS256"} - {own}:
            key = private_key("RS256" if algorithm == "PS256" else algorithm)
            foreign = sign(algorithm, key, {"alg": algorithm, "kid": kid}, claims())
            assert "kid" in refuses(verifier, foreign)


async def test_the_algorithm_of_a_jwk_binds(issuer):
    rsa = private_key("RS256")
    token = sign("PS256", rsa, {"alg": "PS256", "kid": "rsa"}, claims())
    assert "alg" in refuses(await loaded(issuer.jwks()), token)
    without = json.dumps({"keys": [issuer.jwk("rsa", alg=None)]}).encode()
    assert (await loaded(without)).verify(token, NOW).user_id == "user-1"


async def test_a_key_that_the_token_brings_along_is_ignored(issuer):
    verifier = await loaded(issuer.jwks())
    stranger = Issuer()
    stranger.add("p256", "ES256", serial=1)
    for brought in (
        {"jwk": stranger.jwk("p256")},
        {"jku": "https://attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["MIIB"]},
    ):
        assert "signature" in refuses(verifier, stranger.token("p256", header=brought))
    assert verifier.verify(issuer.token("p256", header={"jku": "https://x.example"}), NOW).user_id == "user-1"


@pytest.mark.parametrize(
    "kid", ["", "../../dev/null", "' OR 1=1 --", "rsa\u0000", "RSA", "file:///etc/passwd", "*"]
)
async def test_a_key_id_is_only_ever_compared(issuer, kid):
    verifier = await loaded(issuer.jwks())
    assert "kid" in refuses(verifier, issuer.token("rsa", header={"kid": kid}))


async def test_without_a_key_id_the_only_fitting_key_answers(issuer):
    verifier = await loaded(issuer.jwks())
    assert verifier.verify(issuer.token("ed", header={"kid": None}), NOW).user_id == "user-1"
    issuer.add("p256-b", "ES256", serial=1)
    several = await loaded(issuer.jwks())
    assert "several" in refuses(several, issuer.token("p256", header={"kid": None}))


async def test_the_allow_list_narrows(issuer):
    verifier = await loaded(issuer.jwks(), secret=SECRET, algorithms=("ES256", "EdDSA"))
    assert verifier.verify(issuer.token("p256"), NOW).user_id == "user-1"
    assert "accepted: ES256, EdDSA" in refuses(verifier, issuer.token("rsa"))
    assert "alg" in refuses(verifier, hs256())


def test_without_a_source_of_keys_no_token_is_accepted():
    assert "no token at all" in refuses(TokenVerifier(VerifierConfig()), hs256())


def test_published_keys_are_asked_for_only_where_they_can_help(issuer):
    with_url = TokenVerifier(VerifierConfig(jwks_url=URL))
    assert with_url.verify(issuer.token("rsa"), NOW) is PENDING
    assert "alg" in refuses(with_url, hs256())


def test_repeated_claims_are_refused():
    forged = (
        b'{"sub":"a","exp":1900000000,"tenant_id":"x","tenant_id":"0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"}'
    )
    assert "unique" in refuses(TokenVerifier(VerifierConfig(secret=SECRET)), hs256(forged))


def test_claims_are_read_after_the_signature_verified():
    verifier = TokenVerifier(VerifierConfig(secret=SECRET))
    assert "signature" in refuses(
        verifier, hs256(b"not json", secret="another-secret-another-secret-another")
    )
    assert "JSON" in refuses(verifier, hs256(b"not json"))


def test_a_revoked_token_id_is_refused_while_it_matters():
    denylist = Denylist()
    verifier = TokenVerifier(VerifierConfig(secret=SECRET), denylist=denylist)
    assert verifier.verify(hs256(), NOW).token_id == "token-1"
    denylist.revoke("token-1", NOW, NOW + 600)
    assert "revoked" in refuses(verifier, hs256())
    assert verifier.verify(hs256(claims(jti="token-2")), NOW).token_id == "token-2"


async def test_entering_without_published_keys_does_nothing():
    async with TokenVerifier(VerifierConfig(secret=SECRET)) as verifier:
        await verifier.resolve(hs256())
        assert verifier.verify(hs256(), NOW).user_id == "user-1"


def test_a_secret_that_is_awaited_lets_nobody_in_and_refuses_nobody():
    verifier = TokenVerifier(VerifierConfig(secret_awaited=True))
    with pytest.raises(IdentityUnavailable, match="could not be read yet"):
        verifier.verify(hs256(), NOW)
    assert "algorithm" in refuses(verifier, sign("ES256", private_key("ES256"), {"alg": "ES256"}, claims()))
    verifier.use_secret(SECRET)
    assert verifier.verify(hs256(), NOW).user_id


def test_another_secret_ends_what_the_one_before_began():
    ended: list[str] = []
    verifier = TokenVerifier(VerifierConfig(secret=SECRET), on_withdrawn=lambda: ended.append("all"))
    verifier.use_secret(SECRET)
    assert ended == []
    assert verifier.verify(hs256(), NOW).user_id
    verifier.use_secret(SECRET[::-1])
    assert ended == ["all"]
    assert "does not verify" in refuses(verifier, hs256())


def test_what_is_no_secret_leaves_the_one_before():
    verifier = TokenVerifier(VerifierConfig(secret=SECRET))
    for wrong in ("", public_pem("RS256").decode()):
        with pytest.raises(ConfigurationError):
            verifier.use_secret(wrong)
    assert verifier.verify(hs256(), NOW).user_id
