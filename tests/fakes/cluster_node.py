"""Nodes of a Cluster without sockets: what each is sent is kept, what it answers is told beforehand."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from brain_gateway.infrastructure.valkey.cluster_slots import Address

Answer = Callable[
    [tuple[Any, ...]], Any
]  # the answer to a command; an exception is raised for the whole pipeline


class FakeNodes:
    """`answer[address]` answers for a node, "OK" without; `slots[address]` is its table, a failure without."""

    def __init__(self) -> None:
        self.answer: dict[Address, Answer] = {}
        self.slots: dict[Address, Any] = {}
        self.sent: dict[Address, list[tuple[Any, ...]]] = defaultdict(list)
        self.looks: list[Address] = []
        self.closed: list[Address] = []
        self.closing = asyncio.Event()

    def connect(self, address: Address) -> Any:
        """A client of this node."""
        return _Node(self, address)


class _Node:
    def __init__(self, nodes: FakeNodes, address: Address) -> None:
        self.nodes = nodes
        self.address = address
        self.connection_pool = SimpleNamespace(connection_kwargs={"host": address[0]})

    async def execute_command(self, *words: Any) -> Any:
        assert words == ("CLUSTER", "SLOTS")
        await asyncio.sleep(0)
        self.nodes.looks.append(self.address)
        slots = self.nodes.slots.get(self.address, OSError())
        if isinstance(slots, asyncio.Event):
            await slots.wait()
        if isinstance(slots, Exception):
            raise slots
        return slots

    def pipeline(self, transaction: bool) -> _Pipeline:
        assert not transaction
        return _Pipeline(self)

    async def aclose(self) -> None:
        self.nodes.closed.append(self.address)
        self.nodes.closing.set()


class _Pipeline:
    def __init__(self, node: _Node) -> None:
        self._node = node
        self._commands: list[tuple[Any, ...]] = []

    async def __aenter__(self) -> _Pipeline:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def execute_command(self, *words: Any, **_: Any) -> None:
        self._commands.append(words)

    async def execute(self, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error
        await asyncio.sleep(0)
        nodes, address = self._node.nodes, self._node.address
        answers = []
        for words in self._commands:
            nodes.sent[address].append(words)
            answer = nodes.answer.get(address, lambda words: "OK")(words)
            if isinstance(answer, asyncio.Event):
                await answer.wait()
            if isinstance(answer, OSError):
                raise answer
            answers.append(answer)
        return answers
