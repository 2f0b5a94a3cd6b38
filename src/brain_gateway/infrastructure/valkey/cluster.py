"""Commands of a client to the nodes of a Cluster: one plain client per node, one pipeline to each, all at once.

What a node did not do (MOVED, ASK, TRYAGAIN) is asked again where it says; what was not answered never is. The table
of slots is asked for again beside the commands after a redirection, a failure or a long silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as NotConnected

from brain_gateway.infrastructure.valkey.cluster_slots import (
    HOME,
    Address,
    SlotTable,
    read_slots,
    redirected,
    slot_of,
)

Command = tuple[tuple[Any, ...], Mapping[str, Any]]  # its words, the library's options for its answer

ROUNDS = 16  # of one command: while its keys are moved each second one leads back
MOVING = 0.005  # seconds between two rounds, but for the first redirection
LOOK_AGAIN = 0.2  # seconds at least between two looks at the table
OTHERS = 0.05  # seconds that the answers of other nodes are waited for
PATIENCE = 1.0  # seconds for the first of them
LONG = 2.5  # seconds without an answer after which another may have taken a node's place: longer than a blocking read
MOST_ASKED = 8  # nodes


class Cluster:
    """`connect(address)` makes a plain client of one node; `seed` is that of REDIS_URL; `table` is what it knew."""

    def __init__(self, connect: Callable[[Address], Redis], seed: Redis, table: SlotTable) -> None:
        self._connect = connect
        self._seed = seed
        self._nodes: dict[Address, Redis] = {}
        self._known = table.nodes
        self._owners = table.owners()
        self._stale = False
        self._doubted: set[Address] = set()  # nodes that failed since the table was looked at
        self._next_look = 0.0
        self._look: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """One answer for each command, in order: what its node said, or the RedisError for which there is none."""
        await self._look_again({self._owners[slot_of(words)] for words, _ in commands})
        answers: list[Any] = [None] * len(commands)
        asking: dict[int, Address] = {}  # where single commands are to be asked, for once
        todo = list(range(len(commands)))
        for round_ in range(ROUNDS):
            sent = await self._send_all(commands, todo, asking, answers)
            todo = [at for at in todo if isinstance(answers[at], AskError | TryAgainError)]
            asking = self._follow(answers, todo, sent)
            if not todo:
                break
            if round_ or any(isinstance(answers[at], TryAgainError) for at in todo):
                await asyncio.sleep(MOVING)
        self._stale |= any(isinstance(answer, ClusterDownError) for answer in answers)
        return answers

    async def home(self) -> ConnectionPool:
        """Connections to the node for what has no key. Raises ClusterDownError while there is none."""
        await self._look_again({self._owners[slot_of([HOME])]})
        address = self._owners[slot_of([HOME])]
        if address is None:
            raise _nobody()
        self._stale = True  # who has to listen anew may have lost it
        self._doubted.add(address)
        return self._node(address).connection_pool

    async def aclose(self) -> None:
        """Give up what is under way, close all connections."""
        if self._look is not None:
            self._look.cancel()
        for address in [*self._nodes]:
            self._give_up(address)
        await asyncio.gather(*self._closing)

    def _follow(
        self, answers: Sequence[Any], todo: Sequence[int], sent: dict[int, Address]
    ) -> dict[int, Address]:
        """Learn from the redirections; which commands are to be asked elsewhere for once."""
        asking = {}
        for at in todo:
            error = answers[at]
            if isinstance(error, AskError):
                address = redirected(error, sent[at][0])
                if isinstance(error, MovedError):
                    self._owners[error.slot_id] = address
                    self._known |= {address}
                    self._stale = True
                else:
                    asking[at] = address
        return asking

    async def _send_all(
        self, commands: Sequence[Command], todo: Sequence[int], asking: dict[int, Address], answers: list[Any]
    ) -> dict[int, Address]:
        """Fill in answers; to whom each was sent."""
        sent: dict[int, Address] = {}
        groups: dict[tuple[Address, bool], list[int]] = {}
        for at in todo:
            address = asking.get(at) or self._owners[slot_of(commands[at][0])]
            if address is None:
                answers[at] = _nobody()
                continue
            sent[at] = address
            groups.setdefault((address, at in asking), []).append(at)
        work = {
            asyncio.create_task(self._send(address, [commands[at] for at in group], ask)): group
            for (address, ask), group in groups.items()
        }
        await self._all_done(list(work))
        for task, group in work.items():
            for at, answer in zip(group, task.result(), strict=True):
                answers[at] = answer
        return sent

    async def _all_done(self, tasks: Sequence[asyncio.Task[list[Any]]]) -> None:
        """Whoever is not there any more is noticed by the others, and closed: its commands end then."""
        pending = set(tasks)
        try:
            while pending:
                _, pending = await asyncio.wait(pending, timeout=LONG)
                if pending:
                    self._stale = True
                    self._begin_look()
        finally:
            for task in pending:
                task.cancel()

    async def _send(self, address: Address, commands: Sequence[Command], asking: bool) -> list[Any]:
        """One pipeline; a failure is the answer to each."""
        node = self._node(address)
        try:
            async with node.pipeline(transaction=False) as pipe:
                for words, options in commands:
                    if asking:
                        pipe.execute_command("ASKING")
                    pipe.execute_command(*words, **options)
                found: list[Any] = await pipe.execute(raise_on_error=False)
            return found[1::2] if asking else found
        except asyncio.CancelledError:  # somebody's patience is over
            self._doubt(address)
            raise
        except (RedisError, OSError) as error:
            self._doubt(address)
            return [error if isinstance(error, RedisError) else NotConnected()] * len(commands)
        finally:
            if self._nodes.get(address) is not node:
                await _close(node)  # it may have connected when it was closed already

    def _node(self, address: Address) -> Redis:
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = self._connect(address)
        return node

    def _give_up(self, address: Address) -> None:
        """Its commands fail at once; nobody waits until it has taken leave."""
        task = asyncio.create_task(_close(self._nodes.pop(address)))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # The table

    def _doubt(self, address: Address) -> None:
        self._stale = True
        self._doubted.add(address)

    async def _look_again(self, owners: set[Address | None]) -> None:
        """Who asks nodes that are well does not wait for it."""
        if self._stale:
            self._begin_look()
        if self._look is not None and (None in owners or not self._doubted.isdisjoint(owners)):
            await asyncio.shield(self._look)

    def _begin_look(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._look is None and now >= self._next_look:
            self._next_look = now + LOOK_AGAIN
            self._look = asyncio.create_task(self._refresh(), name="Cluster's table")

    async def _refresh(self) -> None:
        """What most of the nodes say that answer soon; one that was away for a while still believes in the past."""
        try:
            known = random.sample(sorted(self._known), min(MOST_ASKED, len(self._known)))
            tables = await _tables([self._seed, *map(self._node, known)])
            if tables:
                [(table, _)] = Counter(tables).most_common(1)
                self._stale = False
                self._doubted.clear()
                self._known, self._owners = table.nodes, table.owners()
                for address in self._nodes.keys() - table.nodes:
                    self._give_up(address)
        finally:
            self._look = None


def _nobody() -> ClusterDownError:
    return ClusterDownError("nobody has its slot")


async def _close(node: Redis) -> None:
    with contextlib.suppress(RedisError, OSError):
        await node.aclose()


async def ask_for_table(node: Redis) -> SlotTable:
    """Raises ResponseError when it is no node of a Cluster, ValueError when its answer is none."""
    asking: Any = node.execute_command
    answer = await asking("CLUSTER", "SLOTS")
    return read_slots(answer, str(node.connection_pool.connection_kwargs.get("host", "localhost")))


async def _tables(nodes: Sequence[Redis]) -> list[SlotTable]:
    tasks = [asyncio.create_task(_table_or_none(node)) for node in nodes]
    try:
        done, pending = await asyncio.wait(tasks, timeout=OTHERS)
        while pending and not any(task.result() for task in done):
            more, pending = await asyncio.wait(pending, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not more:
                break
            done |= more
        return [table for task in done if (table := task.result()) is not None]
    finally:
        for task in tasks:
            task.cancel()


async def _table_or_none(node: Redis) -> SlotTable | None:
    try:
        table = await ask_for_table(node)
    except (RedisError, OSError, ValueError):
        return None
    return table if table.ranges else None
