"""Sessions and their cache of two generations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.sessions import Session, SessionCache
from tests.builders.gateway import OTHER_TENANT, TENANT, principal


def session(tenant_id: str = TENANT, **changes: object) -> Session:
    return Session(principal(tenant_id, **changes), tenant_id, 100.0)


def test_what_services_are_told_of_a_caller():
    told = Session(principal(TENANT, "b", "a"), TENANT, 1.0).identity_lines
    assert told == (f"X-Tenant-ID: {TENANT}".encode(), b"X-User-ID: u-1", b"X-User-Roles: a,b")
    assert Session(None, "address:1.2.3.4", 1.0).identity_lines == ()


@pytest.mark.parametrize(("scheme", "forwards"), [("jwt", True), ("api_key", False)])
def test_a_key_is_the_gateways_secret_and_a_token_everyones(scheme, forwards):
    assert session(scheme=scheme).forwards_credentials is forwards
    assert Session(None, "address:1.2.3.4", 1.0).forwards_credentials


@given(
    st.integers(2, 12),
    st.lists(st.tuples(st.sampled_from(["put", "get", "drop"]), st.integers(0, 30)), max_size=80),
)
def test_the_cache_is_bounded_and_keeps_what_was_used_last(most, steps):
    cache = SessionCache(most)
    made: dict[bytes, Session] = {}
    used: list[bytes] = []  # the latest last
    for step, number in steps:
        line = b"%d" % number
        if step == "put":
            made[line] = session()
            cache.put(line, made[line])
        elif step == "drop":
            cache.drop(line)
            made.pop(line, None)
        found = cache.get(line)
        assert found in (None, made.get(line))
        assert found is not None or line not in used[-(most // 2) :] or step == "drop"
        used = [other for other in used if other != line]
        used += [line] if found is not None else []
        assert len(cache.young) + len(cache._old) <= most


def test_sessions_are_ended_by_whose_they_are_in_both_generations():
    cache = SessionCache(4)
    kept, gone = [session(OTHER_TENANT) for _ in range(2)], [session() for _ in range(2)]
    anonymous = Session(None, "address:1.2.3.4", 100.0)
    for number, one in enumerate((kept[0], gone[0], gone[1], anonymous)):
        cache.put(b"%d" % number, one)
    cache.end_all(lambda known: known.tenant_id == TENANT)
    assert [one.expires for one in gone] == [float("-inf")] * 2
    assert [one.expires for one in (kept[0], anonymous)] == [100.0] * 2


def test_a_session_that_fell_out_of_the_cache_is_ended_all_the_same():
    cache = SessionCache(4)
    held = session()  # by a connection, or by a tunnel
    cache.put(b"held", held)
    for number in range(8):
        cache.put(b"%d" % number, session(OTHER_TENANT))
    assert cache.get(b"held") is None
    cache.end_all(lambda known: known.tenant_id == TENANT)
    assert held.expires == float("-inf")


def test_sessions_of_one_kind_of_credential_alone():
    cache = SessionCache(4)
    key, token = session(scheme="api_key"), session()
    cache.put(b"key", key)
    cache.put(b"token", token)
    cache.end_all(lambda known: True, "api_key")
    assert (key.expires, token.expires) == (float("-inf"), 100.0)
    cache.end_all(lambda known: True, "unheard-of")
    assert token.expires == 100.0


def test_a_session_that_nobody_holds_is_not_kept_to_be_ended():
    cache = SessionCache(4)
    cache.put(b"gone", session())
    cache.drop(b"gone")
    seen: list[object] = []
    cache.end_all(lambda known: bool(seen.append(known)))
    assert seen == []
