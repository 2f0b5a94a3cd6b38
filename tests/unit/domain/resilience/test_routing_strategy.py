"""What strategies share."""

from brain_gateway.domain.resilience.routing_strategy import active


def test_active_leaves_out_what_is_drained() -> None:
    assert active([1, 0, 5, 0]) == (0, 2)
    assert active([]) == ()
