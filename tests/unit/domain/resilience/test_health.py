"""Health: thresholds both ways, the status they make, and jitter."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.health import HealthTracker, jittered, service_status
from brain_gateway.domain.routing.service_status import ServiceStatus


@pytest.mark.parametrize(
    ("results", "changes"),
    [
        ("+", "+"),
        ("-", "-"),
        ("++--+--", "+......"),
        ("++---", "+...-"),
        ("---+-++", "-.....+"),
        ("+---++---", "+..-.+..-"),
    ],
)
def test_two_up_three_down(results: str, changes: str) -> None:
    tracker = HealthTracker(healthy_after=2, unhealthy_after=3)
    assert tracker.healthy is None
    seen = [sign if tracker.record(sign == "+") else "." for sign in results]
    assert "".join(seen) == changes


@given(st.integers(1, 4), st.integers(1, 4), st.lists(st.booleans(), min_size=1, max_size=40))
def test_it_turns_exactly_after_enough_results_in_a_row(up: int, down: int, results: list[bool]) -> None:
    tracker = HealthTracker(up, down)
    health = []
    for number, ok in enumerate(results, start=1):
        before = tracker.healthy
        assert tracker.record(ok) is (tracker.healthy is not before)
        health.append(tracker.healthy)
        needed = up if ok else down
        run = results[:number][-needed:]
        if len(run) == needed and all(result is ok for result in run):
            assert tracker.healthy is ok
    assert health[0] is results[0]
    for number, (old, new) in enumerate(pairwise(health), start=2):
        if old is not new:
            assert set(results[:number][-(up if new else down) :]) == {new}


@pytest.mark.parametrize("thresholds", [(0, 1), (1, 0), (-1, 3)])
def test_thresholds_below_one_are_refused(thresholds: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        HealthTracker(*thresholds)


@pytest.mark.parametrize(
    ("targets", "status"),
    [
        ([True], ServiceStatus.HEALTHY),
        ([True, True], ServiceStatus.HEALTHY),
        ([True, False], ServiceStatus.DEGRADED),
        ([True, None], ServiceStatus.DEGRADED),
        ([False], ServiceStatus.DOWN),
        ([False, False], ServiceStatus.DOWN),
        ([None], ServiceStatus.UNKNOWN),
        ([False, None], ServiceStatus.UNKNOWN),
        ([], ServiceStatus.DOWN),
    ],
)
def test_service_status(targets: list[bool | None], status: ServiceStatus) -> None:
    assert service_status(targets) is status


@given(st.lists(st.sampled_from([True, False, None]), max_size=6), st.randoms())
def test_the_order_of_targets_does_not_matter(targets: list[bool | None], random: object) -> None:
    shuffled = list(targets)
    random.shuffle(shuffled)
    assert service_status(shuffled) is service_status(targets)


@given(st.floats(0.1, 3600.0), st.floats(0.0, 1.0, exclude_max=True))
def test_jitter_stays_within_a_fifth(interval: float, entropy: float) -> None:
    assert 0.8 * interval <= jittered(interval, entropy) <= 1.2 * interval


def test_jitter_is_centred() -> None:
    assert jittered(30.0, 0.5) == 30.0
    assert jittered(30.0, 0.0) == 24.0
