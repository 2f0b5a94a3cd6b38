"""The models say what the domain says: the same words, the same defaults."""

from __future__ import annotations

from typing import get_args

import pytest

from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.resilience.load_balancer import STRATEGIES
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.policies import BalancerPolicy, CorsPolicy, ProbePolicy, Timeouts
from brain_gateway.schemas.policies import (
    BalancerModel,
    BreakerModel,
    CorsModel,
    ProbeModel,
    RetryModel,
    TimeoutsModel,
)


def test_strategies():
    assert set(get_args(BalancerModel.model_fields["strategy"].annotation)) == set(STRATEGIES)


@pytest.mark.parametrize(
    ("model", "domain", "decided_elsewhere"),
    [
        (BreakerModel(), BreakerPolicy(), set()),
        (RetryModel(), RetryPolicy(), set()),
        (TimeoutsModel(), Timeouts(), set()),
        (BalancerModel(), BalancerPolicy(), {"hash_on"}),
        (ProbeModel(), ProbePolicy(), {"path", "interval"}),
        (CorsModel(origins=("*",)), CorsPolicy(("*",)), set()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_defaults(model, domain, decided_elsewhere):
    same = {name: value for name, value in model if name not in decided_elsewhere}
    assert same == {name: getattr(domain, name) for name in same}
    assert set(type(model).model_fields) == set(type(domain).__dataclass_fields__)
