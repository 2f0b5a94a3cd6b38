"""Retries: the whole decision table, and a budget that bounds them."""

from itertools import accumulate, product
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.retry import FLOOR, SAVINGS, RetryBudget, RetryPolicy, Verdict, may_retry

# What must be true of a request for each verdict to be given.
REASONS = {
    Verdict.NO_ANSWERED: lambda case: case["answered"],
    Verdict.NO_BODY_GONE: lambda case: not case["answered"] and not case["body_replayable"],
    Verdict.NO_ATTEMPTS_LEFT: lambda case: case["attempt"] >= case["policy"].attempts,
    Verdict.NO_TIME_LEFT: lambda case: case["deadline_left"] <= 0.0,
    Verdict.RETRY_NOT_SENT: lambda case: not case["sent"],
    Verdict.RETRY_IDEMPOTENT: lambda case: case["sent"] and case["idempotent"],
    Verdict.NO_NOT_IDEMPOTENT: lambda case: case["sent"] and not case["idempotent"],
}
FLAGS = ("idempotent", "sent", "answered", "body_replayable")
TABLE = [
    dict(zip(FLAGS, flags, strict=True), attempt=attempt, policy=RetryPolicy(attempts=3), deadline_left=left)
    for *flags, attempt, left in product(*[(False, True)] * 4, (1, 2, 3, 4), (-1.0, 0.0, 0.001, inf))
]


def test_the_whole_table() -> None:
    for case in TABLE:
        verdict = may_retry(**case)
        assert REASONS[verdict](case), (verdict, case)
        allowed = (
            not case["answered"]
            and case["body_replayable"]
            and case["attempt"] < 3
            and case["deadline_left"] > 0.0
            and (not case["sent"] or case["idempotent"])
        )
        assert verdict.retry is allowed, (verdict, case)


def test_every_verdict_occurs_and_two_of_them_retry() -> None:
    assert {may_retry(**case) for case in TABLE} == set(Verdict) == set(REASONS)
    assert {verdict for verdict in Verdict if verdict.retry} == {
        Verdict.RETRY_NOT_SENT,
        Verdict.RETRY_IDEMPOTENT,
    }


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, Verdict.RETRY_IDEMPOTENT),
        ({"idempotent": False}, Verdict.NO_NOT_IDEMPOTENT),
        ({"idempotent": False, "sent": False}, Verdict.RETRY_NOT_SENT),
        ({"answered": True}, Verdict.NO_ANSWERED),
        ({"body_replayable": False}, Verdict.NO_BODY_GONE),
        ({"body_replayable": False, "sent": False}, Verdict.NO_BODY_GONE),
        ({"attempt": 2}, Verdict.NO_ATTEMPTS_LEFT),
        ({"policy": RetryPolicy(attempts=1)}, Verdict.NO_ATTEMPTS_LEFT),
        ({"deadline_left": 0.0}, Verdict.NO_TIME_LEFT),
    ],
)
def test_examples(change: dict, verdict: Verdict) -> None:
    case = {
        "idempotent": True,
        "sent": True,
        "answered": False,
        "body_replayable": True,
        "attempt": 1,
        "policy": RetryPolicy(),
        "deadline_left": 5.0,
    }
    assert may_retry(**(case | change)) is verdict


@given(
    st.sampled_from([0.0, 0.01, 0.1, 0.2, 1.0]),
    st.lists(st.tuples(st.floats(0.0, 4.0), st.integers(0, 30), st.integers(0, 4)), max_size=60),
)
def test_retries_never_exceed_the_share_and_the_floor(
    share: float, rounds: list[tuple[float, int, int]]
) -> None:
    budget = RetryBudget(RetryPolicy(budget=share))
    clock = list(accumulate(step for step, _, _ in rounds))
    requests, retried = 0, []
    for now, (_, deposits, tries) in zip(clock, rounds, strict=True):
        for _ in range(deposits):
            budget.deposit()
        requests += deposits
        retried += [now for _ in range(tries) if budget.withdraw(now)]
    spans = int(clock[-1] / FLOOR.window) + 1 if clock else 0
    assert len(retried) <= share * requests + (FLOOR.requests * spans if share else 0) + 1e-6


def test_a_quiet_service_may_retry_three_times_in_ten_seconds() -> None:
    budget = RetryBudget(RetryPolicy())
    assert [budget.withdraw(float(now)) for now in range(12)] == [True] * 3 + [False] * 7 + [True] * 2


def test_one_in_five_once_the_floor_is_used_up() -> None:
    budget = RetryBudget(RetryPolicy(budget=0.2))
    while budget.withdraw(0.0):
        pass
    granted = 0
    for _ in range(1000):
        budget.deposit()
        granted += budget.withdraw(0.0)
    assert granted == 200


def test_savings_are_bounded() -> None:
    budget = RetryBudget(RetryPolicy(budget=1.0))
    for _ in range(10 * SAVINGS):
        budget.deposit()
    assert sum(budget.withdraw(0.0) for _ in range(10 * SAVINGS)) == SAVINGS + FLOOR.requests


def test_a_budget_of_nothing_allows_nothing() -> None:
    budget = RetryBudget(RetryPolicy(budget=0.0))
    budget.deposit()
    assert not budget.withdraw(0.0)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"attempts": 0}, "attempts"),
        ({"attempts": 11}, "attempts"),
        ({"budget": -0.1}, "budget"),
        ({"budget": 1.1}, "budget"),
        ({"budget": float("nan")}, "budget"),
    ],
)
def test_an_impossible_policy_names_its_fault(fault: dict, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        RetryPolicy(**fault)
