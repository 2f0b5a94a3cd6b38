"""Request ids and trace contexts."""

from __future__ import annotations

import re

import pytest

from brain_gateway.application.gateway.trace_ids import TraceIds, TracePolicy, recorded

BROUGHT = b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
CONTEXT = re.compile(rb"traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]")


class Counted:
    """Entropy that counts: every 4 bytes are another number."""

    def __init__(self) -> None:
        self.drawn = 0
        self.calls = 0

    def __call__(self, count: int) -> bytes:
        self.calls += 1
        numbers = range(self.drawn, self.drawn + count // 4)
        self.drawn += count // 4
        return b"".join(number.to_bytes(4, "big") for number in numbers)


def test_ids_never_repeat_and_entropy_is_drawn_in_blocks():
    entropy = Counted()
    ids = TraceIds(entropy)
    request_ids = {ids.request_id_line() for _ in range(200)}
    contexts = {ids.traceparent_line() for _ in range(200)}
    assert len(request_ids) == len(contexts) == 200
    assert all(re.fullmatch(rb"X-Request-ID: [0-9a-f]{32}", line) for line in request_ids)
    assert all(CONTEXT.fullmatch(line) for line in contexts)
    assert entropy.calls <= 8
    assert re.fullmatch(rb"[0-9a-f]{16}", ids.span_id())


def test_a_context_that_was_brought_keeps_its_trace_and_its_decision():
    policy = TracePolicy(TraceIds(Counted()), 1.0)
    lines = [policy.line(BROUGHT), policy.line(BROUGHT[:-1] + b"0")]
    assert [line[:48] for line in lines] == [BROUGHT[:48]] * 2
    assert [recorded(line) for line in lines] == [True, False]
    assert len({line[49:65] for line in (*lines, BROUGHT)}) == 3  # this hop has an id of its own each time


@pytest.mark.parametrize(("sample", "every"), [(1.0, 1), (0.5, 2), (0.1, 10), (0.0, 0)])
def test_traces_that_begin_here_are_sampled_evenly(sample, every):
    policy = TracePolicy(TraceIds(Counted()), sample)
    taken = [recorded(policy.line(None)) for _ in range(40)]
    assert taken == [bool(every) and at % every == every - 1 for at in range(40)]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(b"00", False), (b"01", True), (b"02", False), (b"03", True), (b"fe", False), (b"ff", True)],
)
def test_the_lowest_bit_of_the_flags_says_whether_a_trace_is_recorded(flags, expected):
    assert recorded(BROUGHT[:-2] + flags) is expected


def test_what_a_later_version_of_the_header_adds_is_not_the_flags():
    later = b"traceparent: cc-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00-ext1"
    line = TracePolicy(TraceIds(Counted()), 1.0).line(later)
    assert CONTEXT.fullmatch(line)
    assert not recorded(line)
