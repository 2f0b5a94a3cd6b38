"""Fresh answers, old answers, and no more of them than allowed."""

from __future__ import annotations

from brain_gateway.application.ports.secrets import StoredSecret
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.cache import SecretCache

ONE = StoredSecret({"a": Secret("1")}, 1)


def path(number: int) -> SecretPath:
    return SecretPath(None, f"s{number}")


def test_an_answer_is_fresh_and_then_old_and_then_nothing():
    cache = SecretCache(fresh=5, stale=60)
    cache.put(path(1), ONE, 100)
    assert (cache.fresh(path(1), 104.9), cache.fresh(path(1), 105)) == (ONE, None)
    assert (cache.stale(path(1), 159.9), cache.stale(path(1), 160)) == (ONE, None)
    assert cache.fresh(path(2), 100) is None


def test_zero_means_not_at_all():
    cache = SecretCache(fresh=0, stale=0)
    cache.put(path(1), ONE, 100)
    assert (cache.fresh(path(1), 100), cache.stale(path(1), 100)) == (None, None)


def test_what_is_fresh_may_always_serve():
    cache = SecretCache(fresh=60, stale=0)
    cache.put(path(1), ONE, 100)
    assert cache.stale(path(1), 120) is ONE


def test_what_is_dropped_is_gone():
    cache = SecretCache(5, 60)
    cache.put(path(1), ONE, 100)
    cache.drop(path(1))
    cache.drop(path(1))
    assert cache.stale(path(1), 100) is None


def test_it_is_bounded_and_the_oldest_leaves():
    cache = SecretCache(5, 60, most=3)
    for number in (1, 2, 3, 1, 4):
        cache.put(path(number), ONE, 100)
    assert len(cache) == 3
    assert [number for number in range(1, 5) if cache.fresh(path(number), 100)] == [1, 3, 4]
