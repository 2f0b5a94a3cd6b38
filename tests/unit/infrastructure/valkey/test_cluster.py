"""The router over nodes that are told what to answer: what is sent where, what again, and what never."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, NoScriptError, TryAgainError
from redis.exceptions import ConnectionError as NotConnected

from brain_gateway.infrastructure.valkey import cluster as module
from brain_gateway.infrastructure.valkey.cluster import ROUNDS, Cluster
from brain_gateway.infrastructure.valkey.cluster_slots import read_slots
from tests.fakes.cluster_node import FakeNodes

pytestmark = pytest.mark.anyio

SEED, LOW, HIGH, NEW = ("seed", 1), ("low", 2), ("high", 3), ("new", 4)
A = ("GET", "a")  # slot 15495: of HIGH
B = ("GET", "b")  # slot 3300: of LOW
SLOT = key_slot(b"a")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nothing is waited for that does not come."""
    monkeypatch.setattr(module, "MOVING", 0.0)
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.0)


def slots(low=LOW, high=HIGH):
    return [[0, 8191, [low[0].encode(), low[1], b"1"]], [8192, 16383, [high[0].encode(), high[1], b"2"]]]


@pytest.fixture
def nodes():
    return FakeNodes()


@pytest.fixture
async def cluster(nodes) -> Iterator[Cluster]:
    cluster = Cluster(nodes.connect, nodes.connect(SEED), read_slots(slots(), "seed"))
    yield cluster
    await cluster.aclose()


async def run(cluster, *commands):
    return await cluster.run([(command, {}) for command in commands])


def once(error, then="OK"):
    answers = iter([error])
    return lambda words: next(answers, then)


async def test_commands_go_to_their_nodes_in_one_pipeline_each_and_answers_come_in_order(cluster, nodes):
    nodes.answer = {LOW: lambda words: ("low", words[1]), HIGH: lambda words: ("high", words[1])}
    assert await run(cluster, A, B, A, ("GET", "{b}2")) == [
        ("high", "a"), ("low", "b"), ("high", "a"), ("low", "{b}2"),
    ]  # fmt: skip
    assert nodes.sent == {HIGH: [A, A], LOW: [B, ("GET", "{b}2")]}
    assert nodes.looks == []
    assert await run(cluster) == []


async def test_what_moved_is_asked_where_it_is_and_from_then_on(cluster, nodes):
    nodes.answer[HIGH] = lambda words: MovedError(f"{SLOT} new:4")
    nodes.slots = {SEED: slots(high=NEW)}
    assert await run(cluster, A, B) == ["OK", "OK"]
    assert await run(cluster, A) == ["OK"]
    assert nodes.sent == {HIGH: [A], LOW: [B], NEW: [A, A]}
    await nodes.closing.wait()
    assert SEED in nodes.looks, "the table is asked for again"
    assert nodes.closed == [HIGH], "who is in it no more is given up"


async def test_an_ask_holds_for_once(cluster, nodes):
    nodes.answer[HIGH] = lambda words: AskError(f"{SLOT} new:4")
    assert await run(cluster, A, A) == ["OK", "OK"]
    assert nodes.sent[NEW] == [("ASKING",), A, ("ASKING",), A]
    nodes.answer.clear()
    assert await run(cluster, A) == ["OK"]
    assert nodes.sent[HIGH] == [A, A, A]
    assert nodes.looks == []


async def test_keys_that_are_in_two_places_are_waited_for_a_while(cluster, nodes):
    nodes.answer[HIGH] = once(TryAgainError("x"))
    assert await run(cluster, A) == ["OK"]
    nodes.answer[HIGH] = lambda words: TryAgainError("x")
    nodes.sent.clear()
    [answer] = await run(cluster, A)
    assert isinstance(answer, TryAgainError)
    assert len(nodes.sent[HIGH]) == ROUNDS


async def test_two_nodes_that_point_at_each_other_are_not_followed_for_ever(cluster, nodes):
    nodes.answer = {
        HIGH: lambda words: MovedError(f"{SLOT} new:4"),
        NEW: lambda words: MovedError(f"{SLOT} high:3"),
    }
    [answer] = await run(cluster, A)
    assert isinstance(answer, MovedError)
    assert len(nodes.sent[HIGH]) + len(nodes.sent[NEW]) == ROUNDS


async def test_what_was_not_answered_is_not_sent_again(cluster, nodes):
    nodes.answer[HIGH] = lambda words: ConnectionResetError()
    nodes.slots = {SEED: slots(high=NEW)}
    first, second, other = await run(cluster, A, A, B)
    assert isinstance(first, NotConnected)
    assert isinstance(second, NotConnected)
    assert other == "OK"
    assert nodes.sent == {HIGH: [A], LOW: [B]}
    assert await run(cluster, A) == ["OK"], "the next goes to who has taken the place"
    assert nodes.sent[NEW] == [A]


async def test_an_error_of_a_command_is_its_answer(cluster, nodes):
    nodes.answer[HIGH] = lambda words: NoScriptError("x")
    found, other = await run(cluster, A, B)
    assert isinstance(found, NoScriptError)
    assert other == "OK"
    await run(cluster, B)
    assert nodes.looks == []


async def test_slots_of_nobody(cluster, nodes):
    nodes.slots = {SEED: [[0, 8191, [b"low", 2, b"1"]]], LOW: [[0, 8191, [b"low", 2, b"1"]]]}
    nodes.answer[HIGH] = lambda words: ConnectionResetError()
    await run(cluster, A)
    found, other = await run(cluster, A, B)
    assert isinstance(found, ClusterDownError)
    assert other == "OK"
    nodes.slots = {SEED: slots()}
    nodes.answer.clear()
    assert await run(cluster, A) == ["OK"], "it is looked for"


async def test_most_nodes_are_right(cluster, nodes):
    """Whoever was away for a while believes in what was."""
    nodes.slots = {SEED: slots(), LOW: slots(high=NEW), HIGH: slots(high=NEW)}
    nodes.answer[HIGH] = lambda words: ConnectionResetError()
    await run(cluster, A)
    assert await run(cluster, A) == ["OK"]
    assert nodes.sent[NEW] == [A]
    assert sorted(nodes.looks) == [HIGH, LOW, SEED]


@pytest.mark.parametrize("table", [[], b"OK", NotConnected("x")])
async def test_a_node_that_knows_nothing_is_not_believed(cluster, nodes, table):
    nodes.slots = dict.fromkeys((SEED, LOW, HIGH), table)
    nodes.answer[LOW] = once(ConnectionResetError())
    await run(cluster, B)
    assert await run(cluster, A, B) == ["OK", "OK"]
    assert set(nodes.looks) == {SEED, LOW, HIGH}


async def test_one_that_is_silent_holds_up_nobody_who_asks_for_the_table(cluster, nodes):
    nodes.slots = {SEED: asyncio.Event(), LOW: slots(high=NEW), HIGH: asyncio.Event()}
    nodes.answer[HIGH] = lambda words: ConnectionResetError()
    await run(cluster, A)
    assert await run(cluster, A) == ["OK"]
    assert nodes.sent[NEW] == [A]


async def test_who_asks_nodes_that_are_well_does_not_wait(cluster, nodes):
    nodes.slots = dict.fromkeys((SEED, LOW, HIGH), asyncio.Event())
    nodes.answer[HIGH] = lambda words: ConnectionResetError()
    await run(cluster, A)
    assert await run(cluster, B) == ["OK"]
    while len(nodes.looks) < 3:
        await run(cluster, B)
    nodes.slots[SEED].set()


async def test_a_part_that_is_away_has_the_table_looked_at(cluster, nodes):
    nodes.answer[LOW] = lambda words: ClusterDownError("x")
    await run(cluster, B)
    assert nodes.looks == []
    nodes.slots = {SEED: slots(high=NEW)}
    await run(cluster, B)
    await nodes.closing.wait()


async def test_who_loses_patience_has_the_table_looked_at(cluster, nodes):
    """The look goes on when the next one's patience is over too."""
    asked = asyncio.Event()

    def silent(words):
        asked.set()
        return asyncio.Event()

    nodes.answer[HIGH] = silent
    nodes.slots = {SEED: slots(high=NEW)}
    waiting = asyncio.create_task(run(cluster, A))
    await asked.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    hasty = asyncio.create_task(run(cluster, A))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.gather(hasty, return_exceptions=True)
    assert await run(cluster, A) == ["OK"]
    assert nodes.sent[HIGH] == [A]
    assert nodes.sent[NEW] == [A]


async def test_a_long_silence_has_the_table_looked_at(cluster, nodes, monkeypatch):
    monkeypatch.setattr(module, "LONG", 0.001)
    silent = asyncio.Event()
    nodes.answer[HIGH] = lambda words: silent
    nodes.slots = {SEED: slots(high=NEW)}
    waiting = asyncio.create_task(run(cluster, A))
    await nodes.closing.wait()
    silent.set()  # the end of its connection ends its command
    await waiting


async def test_channels_are_heard_at_the_node_of_what_has_no_key(cluster, nodes):
    assert (await cluster.home()).connection_kwargs["host"] == "high"
    nodes.slots = {SEED: slots(high=NEW)}
    assert (await cluster.home()).connection_kwargs["host"] == "new", "whoever listens anew has lost it"
    nodes.slots = {SEED: [[0, 8191, [b"low", 2, b"1"]]]}
    with pytest.raises(ClusterDownError):
        await cluster.home()


async def test_all_are_closed(cluster, nodes):
    await run(cluster, A, B)
    await cluster.aclose()
    assert sorted(nodes.closed) == [HIGH, LOW]
