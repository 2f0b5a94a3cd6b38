"""What every TokenVerifier does: one suite over the shared secret and each kind of published key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from brain_gateway.application.ports.token_verifier import PENDING, TokenVerifier
from brain_gateway.domain.errors import CredentialsExpired, CredentialsInvalid
from brain_gateway.domain.tenancy import Principal
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.verifier import TokenVerifier as JwtVerifier
from tests.builders.issuer import KINDS, NOW, SECRET, TENANT, Body, Issuer, claims, hs256, part

pytestmark = pytest.mark.anyio
RULES = {"issuer": "https://issuer.example", "audience": "gateway", "leeway": 10.0}
TRUSTED = {"iss": "https://issuer.example", "aud": "gateway"}


@dataclass
class Case:
    """A verifier, and how its issuer signs claims."""

    verifier: TokenVerifier
    token: Callable[[Any], bytes]

    async def verify(self, token: bytes, now: float = NOW) -> Principal:
        """As the gateway does it: verify, fetch keys when asked to, verify again."""
        principal = self.verifier.verify(token, now)
        if principal is PENDING:
            await self.verifier.resolve(token)
            principal = self.verifier.verify(token, now)
        assert isinstance(principal, Principal)
        return principal

    async def refuses(self, error: type[Exception] = CredentialsInvalid, /, **changes: Any) -> str:
        """The detail with which a token with these claims is refused."""
        token = self.token(claims(**(TRUSTED | changes)))
        with pytest.raises(error) as caught:
            await self.verify(token)
        detail = str(caught.value)
        assert not any(piece.decode() in detail for piece in token.split(b"."))
        return detail


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["HS256", *KINDS])
def case(request):
    if request.param == "HS256":
        return Case(JwtVerifier(VerifierConfig(secret=SECRET, **RULES)), hs256)
    issuer = Issuer()
    issuer.add("k1", request.param)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Body(issuer.jwks())))
    config = VerifierConfig(jwks_url="https://issuer.example/jwks.json", **RULES)
    return Case(JwtVerifier(config, transport=transport), lambda payload: issuer.token("k1", payload))


async def test_a_valid_token_names_its_principal(case):
    principal = await case.verify(case.token(claims(**TRUSTED, roles=["client", "manager"])))
    assert principal == Principal(
        tenant_id=TENANT,
        user_id="user-1",
        roles=frozenset({"client", "manager"}),
        expires_at=NOW + 610,
        token_id="token-1",
        scheme="jwt",
    )


async def test_it_is_refused_from_the_moment_that_expires_at_names(case):
    token = case.token(claims(**TRUSTED))
    expires_at = (await case.verify(token)).expires_at
    assert (await case.verify(token, expires_at - 0.001)).user_id == "user-1"
    with pytest.raises(CredentialsExpired):
        await case.verify(token, expires_at)


@pytest.mark.parametrize("name", ["nbf", "iat"])
async def test_a_start_in_the_future_is_refused_beyond_the_leeway(case, name):
    await case.verify(case.token(claims(**TRUSTED, **{name: NOW + 9})))
    assert name in await case.refuses(**{name: NOW + 11})


REFUSED = [
    ("exp", {"exp": None}),
    ("exp", {"exp": "1900000000"}),
    ("exp", {"exp": True}),
    ("exp", {"exp": 10**400}),
    ("nbf", {"nbf": []}),
    ("iat", {"iat": {}}),
    ("tenant", {"tenant_id": None}),
    ("tenant", {"tenant_id": "demo"}),
    ("tenant", {"tenant_id": 7}),
    ("UUID", {"tenant_id": TENANT.replace("-", "")}),
    ("UUID", {"tenant_id": TENANT + "\n"}),
    ("user", {"sub": None}),
    ("user", {"sub": ""}),
    ("visible ASCII", {"sub": "a\r\nX-User-Roles: super_admin"}),
    ("visible ASCII", {"sub": "two words"}),
    ("visible ASCII", {"sub": "nämlich"}),
    ("visible ASCII", {"sub": "x" * 256}),
    ("visible ASCII", {"sub": 10**30}),
    ("user", {"sub": ["a"]}),
    ("user", {"sub": True}),
    ("role", {"roles": ["a,super_admin"]}),
    ("role", {"roles": ["a b"]}),
    ("role", {"roles": "a\r\nb"}),
    ("role", {"roles": [""]}),
    ("role", {"roles": ["x" * 65]}),
    ("at most 32", {"roles": [f"r{n}" for n in range(33)]}),
    ("role", {"roles": [1]}),
    ("roles", {"roles": {"client": True}}),
    ("jti", {"jti": 7}),
    ("jti", {"jti": "x" * 256}),
    ("iss", {"iss": "https://other.example"}),
    ("iss", {"iss": "https://issuer.example/"}),
    ("iss", {"iss": ["https://issuer.example"]}),
    ("iss", {"iss": None}),
    ("aud", {"aud": "other"}),
    ("aud", {"aud": ["other"]}),
    ("aud", {"aud": None}),
    ("aud", {"aud": {"gateway": 1}}),
]


@pytest.mark.parametrize(("said", "changes"), REFUSED, ids=lambda value: str(value)[:40])
async def test_claims_that_cannot_be_are_refused(case, said, changes):
    assert said in await case.refuses(**changes)


async def test_an_expired_token_says_so(case):
    assert "expired" in await case.refuses(CredentialsExpired, exp=NOW - 10)


async def test_the_claims_of_an_older_issuer_are_read(case):
    older = claims(**TRUSTED, sub=None, roles=None) | {
        "user_id": 42,
        "role": "manager",
        "aud": ["x", "gateway"],
    }
    principal = await case.verify(case.token(older))
    assert (principal.user_id, principal.roles) == ("42", frozenset({"manager"}))


async def test_unknown_roles_are_kept_and_none_are_needed(case):
    assert (await case.verify(case.token(claims(**TRUSTED, roles=["auditor"])))).roles == {"auditor"}
    assert (await case.verify(case.token(claims(**TRUSTED, roles=None)))).roles == frozenset()


async def test_a_tenant_has_one_spelling(case):
    assert (await case.verify(case.token(claims(**TRUSTED, tenant_id=TENANT.upper())))).tenant_id == TENANT


async def test_a_changed_payload_does_not_verify(case):
    head, _, signature = case.token(claims(**TRUSTED)).split(b".")
    forged = part(claims(**TRUSTED, roles=["super_admin"]))
    with pytest.raises(CredentialsInvalid, match="signature"):
        await case.verify(b".".join((head, forged, signature)))


async def test_a_changed_signature_does_not_verify(case):
    head, payload, signature = case.token(claims(**TRUSTED)).split(b".")
    for changed in (b"A" * len(signature), signature[:4], signature[4:], part(b"\x00"), signature * 2):
        with pytest.raises(CredentialsInvalid):
            await case.verify(b".".join((head, payload, changed)))


async def test_resolving_nonsense_is_harmless(case):
    for nonsense in (b"", b"a.b.c", b"\xff" * 9000):
        await case.verifier.resolve(nonsense)
        with pytest.raises(CredentialsInvalid):
            case.verifier.verify(nonsense, NOW)
