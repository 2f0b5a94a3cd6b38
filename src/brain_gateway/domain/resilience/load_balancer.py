"""Which of a service's targets takes the next request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.routing_strategy import RoutingStrategy
from brain_gateway.domain.resilience.strategies.consistent_hash import ConsistentHash
from brain_gateway.domain.resilience.strategies.least_in_flight import LeastInFlight
from brain_gateway.domain.resilience.strategies.power_of_two import PowerOfTwo
from brain_gateway.domain.resilience.strategies.round_robin import RoundRobin
from brain_gateway.domain.resilience.strategies.weighted import Weighted

STRATEGIES: dict[str, Callable[[Sequence[int], Sequence[str]], RoutingStrategy]] = {
    "round_robin": RoundRobin,
    "weighted": Weighted,
    "least_in_flight": LeastInFlight,
    "power_of_two": PowerOfTwo,
    "consistent_hash": ConsistentHash,
}


def check_strategy(name: str) -> None:
    """Raises ConfigurationError unless `name` is a strategy."""
    if name not in STRATEGIES:
        raise ConfigurationError(f'balancer: unknown strategy "{name}"; use one of {", ".join(STRATEGIES)}')


class LoadBalancer:
    """One strategy over the targets of one service, named by their position in `weights`.

    weights: 0 is drained and never chosen. identities: stable names of the targets (their origins) for
    consistent_hash, so that a change of the list moves few keys; without them a target is its position.
    Raises ConfigurationError.
    """

    __slots__ = ("choose", "strategy")

    def __init__(self, strategy: str, weights: Sequence[int], identities: Sequence[str] = ()) -> None:
        check_strategy(strategy)
        if any(weight < 0 for weight in weights):
            raise ConfigurationError("balancer: a weight is less than 0; 0 drains a target")
        names = tuple(identities) or tuple(str(position) for position in range(len(weights)))
        if len(set(names)) != len(weights):
            raise ConfigurationError("balancer: each target needs one name of its own")
        self.strategy = strategy
        # the strategy's own method, so that a choice costs one call; see RoutingStrategy.choose
        self.choose = STRATEGIES[strategy](weights, names).choose
