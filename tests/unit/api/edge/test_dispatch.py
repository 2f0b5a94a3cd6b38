"""What both entries ask before the router."""

from __future__ import annotations

import pytest

from brain_gateway.api.edge.dispatch import own_answer_to, status_of
from brain_gateway.application.gateway.exchange import Refusal, Reply
from brain_gateway.domain import errors
from tests.builders.requests import head


def test_options_star_is_answered_for_the_gateway_itself():
    answer = own_answer_to(head("OPTIONS * HTTP/1.1").line)
    assert isinstance(answer, Reply)
    assert (answer.status, dict(answer.headers)["Allow"]) == (
        204,
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    )


@pytest.mark.parametrize(
    ("method", "passes"),
    [("GET", True), ("OPTIONS", True), ("PATCH", True), ("TRACE", False), ("BREW", False), ("get", False)],
)
def test_methods_that_no_own_path_has(method, passes):
    answer = own_answer_to(head(f"{method} /health HTTP/1.1").line)
    assert (answer is None) is passes
    if answer is not None:
        assert isinstance(answer, Refusal)
        assert isinstance(answer.error, errors.MethodNotAllowed)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Reply(204, ()), 204),
        (Refusal(errors.CircuitOpen()), 503),
        (Refusal(errors.ConfigurationError()), 500),
        (Refusal(errors.RateLimitExceeded()), 429),
    ],
)
def test_the_status_of_an_answer(answer, status):
    assert status_of(answer) == status
