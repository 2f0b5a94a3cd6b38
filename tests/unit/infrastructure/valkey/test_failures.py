"""Failures of the store are told in our own words."""

from __future__ import annotations

import pytest
from redis import exceptions
from redis._parsers.base import BaseParser

from brain_gateway.infrastructure.valkey.failures import reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("NOAUTH Authentication required.", "password"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "password"),
        ("NOPERM this user has no permissions to run the 'evalsha' command", "may not run"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "full"),
        ("READONLY You can't write against a read only replica.", "replica"),
        ("LOADING the dataset is in memory", "loading"),
        ("MOVED 3999 10.1.2.3:6381", "CLUSTER SLOTS"),
        ("ASK 3999 10.1.2.3:6381", "moving"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", "moving"),
        ("CLUSTERDOWN The cluster is down", "part of its Cluster"),
        ("ERR unknown command 'x', with args beginning with: 'secret'", "answers with an error"),
    ],
)
def test_what_the_store_answers(answer, said):
    text = reason(BaseParser.parse_error(answer))  # type: ignore[attr-defined]  # as its connections do
    assert said in text
    assert "secret" not in text
    assert "10.1.2.3" not in text


def test_no_answer():
    assert "in time" in reason(None)
    assert "in time" in reason(exceptions.TimeoutError("x"))
    assert "reached" in reason(exceptions.ConnectionError("Error 111 connecting to 10.1.2.3:6379"))
    assert "reached" in reason(ConnectionRefusedError())
