"""Tables, redirections and the keys of commands."""

from __future__ import annotations

import pytest
from redis._parsers.base import BaseParser
from redis.crc import key_slot

from brain_gateway.infrastructure.valkey.cluster_slots import HOME, read_slots, redirected, slot_of

ANSWER = [
    [8192, 16383, [b"10.0.0.2", 7001, b"id2", []], [b"10.0.0.3", 7002, b"id3", []]],
    [0, 8191, [None, 7000, b"id1", []]],
]


def test_the_table_of_a_node():
    table = read_slots(ANSWER, "seed")
    assert table.nodes == {("seed", 7000), ("10.0.0.2", 7001), ("10.0.0.3", 7002)}
    owners = table.owners()
    assert (len(owners), owners[0], owners[8191]) == (16384, ("seed", 7000), ("seed", 7000))
    assert {*owners[8192:]} == {("10.0.0.2", 7001)}
    assert table == read_slots(ANSWER[::-1], "seed"), "in whatever order"


@pytest.mark.parametrize("host", [None, b"", b"?"])
def test_a_node_that_does_not_know_its_name_is_at_the_one_it_was_asked_by(host):
    assert read_slots([[0, 1, [host, 7000, b"id"]]], "asked").nodes == {("asked", 7000)}


def test_slots_of_nobody():
    assert read_slots([], "x").ranges == ()
    assert read_slots([], "x").owners()[5] is None
    assert read_slots([[1, 2, [b"h", 1, b"id"]]], "x").owners()[:4] == [None, ("h", 1), ("h", 1), None]


@pytest.mark.parametrize(
    "answer", [7, b"OK", [7], [[1]], [[0, 1, 7]], [[0, 1, [b"h"]]], [[b"a", 1, [b"h", 1]]]]
)
def test_what_is_no_table(answer):
    with pytest.raises(ValueError, match="documented"):
        read_slots(answer, "x")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("MOVED 3999 10.1.2.3:6381", ("10.1.2.3", 6381)),
        ("ASK 3999 node.example:6381", ("node.example", 6381)),
        ("MOVED 3999 :6381", ("asked", 6381)),
        ("ASK 3999 ?:6381", ("asked", 6381)),
        ("MOVED 1 2001:db8::1:6381", ("2001:db8::1", 6381)),
    ],
)
def test_where_a_redirection_leads(text, address):
    error = BaseParser.parse_error(text)  # type: ignore[attr-defined]  # as its connections do
    assert redirected(error, "asked") == address


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("GET", "{bg3}:epoch"), b"bg3"),
        (("HMGET", "{bg:t}:rc:r:1", "v", b"x"), b"bg:t"),
        (("EVALSHA", "abc", 2, "{bg3}:limit:x", "{bg3}:epoch", 7), b"bg3"),
        (("EVAL", "return 1", 1, b"{bg:t}:rc:seq"), b"bg:t"),
        (("EVAL", "return 1", 0, "x"), b"bg"),
        (("XREAD", b"BLOCK", "2000", b"STREAMS", "{bg}:events", "$"), b"bg"),
        (("XADD", "{bg}:events", "*", "id", 1), b"bg"),
        (("PUBLISH", "bg:breakers", "{bg3}"), b"bg"),
        (("PING",), b"bg"),
    ],
)
def test_the_slot_of_a_command(command, key):
    assert slot_of(command) == key_slot(key)
    assert key_slot(HOME.encode()) == key_slot(b"bg")
