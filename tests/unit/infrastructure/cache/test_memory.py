"""The store in memory: its bound, whose turn it is to go, and what it forgets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.ports.response_store import Purge, ResourceKey
from brain_gateway.domain.http.caching.selection import selector
from brain_gateway.infrastructure.cache import memory
from brain_gateway.infrastructure.cache.memory import MemoryResponses
from tests.builders.stored import stored

KIB = 1024


def nothing(vary):
    return selector(vary, b"", lambda name: None)


def key(target, tenant="t"):
    return ResourceKey(tenant, "shop", b"%d" % target if isinstance(target, int) else target)


def put(store, where, size=10 * KIB):
    return store.keep(where, stored(body=b"x" * size), store.find(where, nothing).mark)


def there(store, where):
    return bool(store.find(where, nothing).variants)


def test_the_least_used_goes_first():
    store = MemoryResponses(50 * KIB)
    for number in range(4):
        put(store, key(number))
    there(store, key(0))
    put(store, key(4))
    assert [there(store, key(number)) for number in range(5)] == [True, False, True, True, True]


def test_what_can_never_fit_is_not_kept():
    store = MemoryResponses(5 * KIB)
    put(store, key(0), KIB)
    assert not put(store, key(1))
    assert there(store, key(0))


def test_a_greedy_tenant_pushes_out_its_own():
    store = MemoryResponses(100 * KIB)
    for number in range(3):
        put(store, key(number, "modest"))
    for number in range(100):
        put(store, key(number, "greedy"))
    assert all(there(store, key(number, "modest")) for number in range(3))
    assert there(store, key(99, "greedy"))


def test_a_new_tenant_finds_room():
    store = MemoryResponses(100 * KIB)
    for number in range(20):
        put(store, key(number, "greedy"))
    for number in range(3):
        assert put(store, key(number, "late"))
    assert all(there(store, key(number, "late")) for number in range(3))


def test_drops_that_are_remembered_no_more_count_for_all(monkeypatch):
    monkeypatch.setattr(memory, "MOST_DROPS", 3)
    store = MemoryResponses(100 * KIB)
    mark = store.find(key(0), nothing).mark
    for number in range(5):
        store.drop(key(number))
    assert not store.keep(key(0), stored(), mark)
    assert not store.keep(key(99), stored(), mark), "it may be one of those"
    assert put(store, key(0), KIB)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5), st.sampled_from("abc"), st.integers(0, 30 * KIB)),
        st.tuples(st.just("drop"), st.integers(0, 5), st.sampled_from("abc"), st.just(0)),
        st.tuples(st.just("purge"), st.just(0), st.sampled_from("abc"), st.just(0)),
    ),
    max_size=60,
)


@given(OPERATIONS)
def test_the_bound_holds_and_the_books_are_right(operations):
    store = MemoryResponses(64 * KIB)
    for kind, number, tenant, size in operations:
        where = key(number, tenant)
        if kind == "put":
            kept = put(store, where, size)
            assert kept == there(store, where)
        elif kind == "drop":
            present = there(store, where)
            assert store.drop(where) == int(present)
            assert not there(store, where)
        else:
            present = sum(there(store, key(one, tenant)) for one in range(6))
            assert store.purge(Purge(tenant)) == present
        assert 0 <= store.size <= 64 * KIB
    for tenant in "abc":
        store.purge(Purge(tenant))
    assert store.size == 0
