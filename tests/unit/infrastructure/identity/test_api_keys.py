"""API keys are known by their hashes alone."""

from __future__ import annotations

import dataclasses
import math

import pytest

from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.ports.api_keys import ApiKeys
from brain_gateway.domain.errors import ConfigurationError, CredentialsExpired, CredentialsInvalid
from brain_gateway.domain.tenancy import ApiKey, Principal
from brain_gateway.infrastructure.identity.api_keys import ApiKeyRing
from brain_gateway.infrastructure.identity.denylist import Denylist
from tests.builders.issuer import NOW, TENANT

OTHER_TENANT = "7f9f43c1-6a4e-4b0e-9f57-0d1f0e6a2b11"
KEY = ApiKey.from_entropy(b"0123456789abcdef0123456789abcdef")
OTHER = ApiKey.from_entropy(b"another-another-another-another!")
RECORD = ApiKeyRecord(
    hash=KEY.hash,
    prefix=KEY.prefix,
    tenant_id=TENANT,
    user_id="robot",
    roles=frozenset({"client"}),
    expires_at=NOW + 60,
)


def shown(key: ApiKey) -> bytes:
    return key.reveal().encode()


def refuses(ring: ApiKeyRing, key: bytes, now: float = NOW) -> str:
    with pytest.raises((CredentialsInvalid, CredentialsExpired)) as caught:
        ring.verify(key, now)
    detail = str(caught.value)
    assert len(key) < 16 or key.decode("latin-1") not in detail
    return detail


def test_a_registered_key_names_its_principal():
    ring: ApiKeys = ApiKeyRing([RECORD])
    expected = Principal(
        tenant_id=TENANT,
        user_id="robot",
        roles=frozenset({"client"}),
        expires_at=NOW + 60,
        token_id=KEY.hash,
        scheme="api_key",
    )
    assert ring.verify(shown(KEY), NOW) == expected


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"bgk_",
        b"bgk_short",
        shown(KEY)[:-1],
        shown(KEY) + b"A",
        shown(KEY).swapcase(),
        shown(KEY)[4:],
        b" " + shown(KEY),
        shown(KEY) + b"\n",
        b"bgk_" + b"\xff" * 32,
        b"bgk_" + b"A" * 10_000,
        KEY.hash.encode(),
        shown(OTHER),
    ],
)
def test_anything_else_is_refused(key):
    assert "API key" in refuses(ApiKeyRing([RECORD]), key)


def test_a_key_ends():
    ring = ApiKeyRing([RECORD])
    ring.verify(shown(KEY), NOW + 59.9)
    with pytest.raises(CredentialsExpired):
        ring.verify(shown(KEY), NOW + 60)
    for_ever = ApiKeyRing([dataclasses.replace(RECORD, expires_at=math.inf)])
    assert for_ever.verify(shown(KEY), 1e15).expires_at == math.inf


def test_a_revoked_key_stays_revoked_when_it_is_configured_again():
    heard: list[str] = []
    ring = ApiKeyRing([RECORD], Denylist(on_revoked=heard.append))
    ring.revoke(KEY.hash, NOW)
    assert "revoked" in refuses(ring, shown(KEY))
    ring.replace([RECORD])
    assert "revoked" in refuses(ring, shown(KEY))
    assert heard == [KEY.hash]


def test_a_key_that_is_not_known_here_yet_can_be_revoked():
    ring = ApiKeyRing()
    ring.revoke(OTHER.hash, NOW)
    ring.replace([dataclasses.replace(RECORD, hash=OTHER.hash)])
    assert "revoked" in refuses(ring, shown(OTHER))


def test_another_set_of_keys_takes_the_place_of_the_first():
    ring = ApiKeyRing([RECORD])
    ring.replace([dataclasses.replace(RECORD, hash=OTHER.hash)])
    assert "not registered" in refuses(ring, shown(KEY))
    assert ring.verify(shown(OTHER), NOW).user_id == "robot"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hash": KEY.reveal()}, "hash"),
        ({"hash": "sha256:" + "A" * 64}, "hash"),
        ({"hash": KEY.hash[:-1]}, "hash"),
        ({"hash": KEY.hash + "\n"}, "hash"),
        ({"prefix": "key_"}, "prefix"),
        ({"tenant_id": "demo"}, "tenant"),
        ({"user_id": "a\r\nb"}, "user"),
        ({"roles": frozenset({"a,b"})}, "roles"),
        ({"roles": frozenset(map(str, range(33)))}, "roles"),
    ],
)
def test_records_at_fault_are_named(changes, said):
    with pytest.raises(ConfigurationError, match=said):
        ApiKeyRing([dataclasses.replace(RECORD, **changes)])


def test_all_faults_come_at_once_and_the_old_set_stays():
    ring = ApiKeyRing([RECORD])
    bad = dataclasses.replace(RECORD, user_id="", tenant_id="x")
    with pytest.raises(ConfigurationError) as caught:
        ring.replace([RECORD, RECORD, bad])
    assert len(caught.value.faults) == 4
    assert ring.verify(shown(KEY), NOW).user_id == "robot"


def test_keys_are_told_from_tokens():
    ring = ApiKeyRing()
    assert ring.recognises(shown(KEY))
    assert not ring.recognises(b"eyJhbGciOiJIUzI1NiJ9.e30.x")


def test_keys_come_and_go_one_by_one():
    ring = ApiKeyRing([RECORD])
    other = dataclasses.replace(RECORD, hash=OTHER.hash, tenant_id=OTHER_TENANT)
    assert not ring.put(other), "there was none before"
    assert not ring.put(other), "it is as it was"
    assert ring.put(dataclasses.replace(other, roles=frozenset({"manager"})))
    assert ring.verify(shown(OTHER), NOW).roles == {"manager"}
    assert ring.known() == {KEY.hash, OTHER.hash}
    ring.remove(KEY.hash)
    ring.remove(KEY.hash)
    assert "not registered" in refuses(ring, shown(KEY))
    assert ring.verify(shown(OTHER), NOW).tenant_id == OTHER_TENANT


def test_the_keys_of_tenants_go_together():
    ring = ApiKeyRing([RECORD, dataclasses.replace(RECORD, hash=OTHER.hash, tenant_id=OTHER_TENANT)])
    ring.remove_of({RECORD.tenant_id, "nobody"})
    assert ring.known() == {OTHER.hash}


def test_a_broken_record_opens_nothing_and_is_told():
    told: list[str] = []
    ring = ApiKeyRing([RECORD], report=told.append)
    assert not ring.put(dataclasses.replace(RECORD, hash=OTHER.hash, roles=frozenset({"realm:admin"})))
    assert "not registered" in refuses(ring, shown(OTHER))
    assert ring.verify(shown(KEY), NOW).user_id == "robot"
    assert ring.put(dataclasses.replace(RECORD, user_id="")), "there was another, which holds no more"
    assert "not registered" in refuses(ring, shown(KEY))
    assert [sentence.split(": ")[1][:5] for sentence in told] == ["roles", "user "]
    assert all("opens nothing" in sentence and KEY.reveal() not in sentence for sentence in told)
