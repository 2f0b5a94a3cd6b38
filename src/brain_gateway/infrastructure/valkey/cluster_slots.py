"""Which node of a Cluster has which keys: the table that it gives, and the commands and redirections read for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError

Address = tuple[str, int]  # host, port

HOME = "{bg}"  # commands without a key go where keys of this tag are: what is open, and the channel of what opens
_KEYLESS = frozenset({"PUBLISH", "PING", "TIME", "ASKING", "CLUSTER", "SCRIPT", "INFO"})
_UNKNOWN = ("", "?")  # hosts of a node that does not know its own name


class SlotTable(NamedTuple):
    """First slot, last slot and primary of each range; all nodes that are named, replicas too."""

    ranges: tuple[tuple[int, int, Address], ...]
    nodes: frozenset[Address]

    def owners(self) -> list[Address | None]:
        """By slot; None where nobody has it."""
        owners: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, address in self.ranges:
            owners[first : last + 1] = [address] * (last + 1 - first)
        return owners


def read_slots(answer: Any, asked: str) -> SlotTable:  # noqa: ANN401 - what a server sent
    """The answer to CLUSTER SLOTS of the node at host `asked`. Raises ValueError when it is none."""
    ranges: list[tuple[int, int, Address]] = []
    nodes: set[Address] = set()
    try:
        for first, last, primary, *replicas in answer:
            ranges.append((int(first), int(last), _address(primary, asked)))
            nodes.update(_address(node, asked) for node in (primary, *replicas))
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise ValueError("CLUSTER SLOTS was not answered as documented") from error
    return SlotTable(tuple(sorted(ranges)), frozenset(nodes))


def _address(node: Sequence[Any], asked: str) -> Address:
    host = (node[0] or b"").decode()
    return (asked if host in _UNKNOWN else host, int(node[1]))


def redirected(error: AskError, asked: str) -> Address:
    """Where a MOVED or an ASK of the node at host `asked` leads."""
    return (asked if error.host in _UNKNOWN else error.host, error.port)


def slot_of(command: Sequence[Any]) -> int:
    """The slot of a command's first key; the others are in the same."""
    key = _key(command)
    return key_slot(key if isinstance(key, bytes) else str(key).encode())


def _key(command: Sequence[Any]) -> Any:  # noqa: ANN401 - commands are of the library's making
    name = command[0]
    if name in ("EVAL", "EVALSHA"):
        return command[3] if int(command[2]) else HOME
    if name == "XREAD":
        return command[command.index(b"STREAMS") + 1]
    return HOME if name in _KEYLESS or len(command) == 1 else command[1]
