"""A real Valkey Cluster on loopback: primaries and their replicas; one is killed, paused, slots are moved."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from tests.builders.raw_server import closed_port
from tests.live.harness.valkey import ValkeyServer
from tests.live.harness.wire import PATIENCE

TIMEOUT = (
    60.0  # seconds without an answer after which a node counts as failed: never, however busy the machine is
)


class ClusterNode(ValkeyServer):
    """One node. What it knows of the Cluster it keeps, its data it does not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.bus = closed_port()
        self.paused = False
        super().__init__(
            folder, "--cluster-enabled", "yes", "--cluster-port", str(self.bus),
            "--cluster-node-timeout", str(round(TIMEOUT * 1000)),
            "--cluster-allow-replica-migration", "no", "--repl-diskless-sync-delay", "0",
        )  # fmt: skip

    def start(self) -> None:
        """See ValkeyServer."""
        super().start()
        self.paused = False

    def pause(self) -> None:
        """See ValkeyServer."""
        super().pause()
        self.paused = True

    def resume(self) -> None:
        """See ValkeyServer."""
        super().resume()
        self.paused = False

    def ask(self, *command: object) -> Any:
        """One command, as text."""
        with Redis(port=self.port, socket_timeout=PATIENCE, decode_responses=True, protocol=2) as client:
            return client.execute_command(*command)

    @property
    def id(self) -> str:
        """Its name among the nodes."""
        return str(self.ask("CLUSTER", "MYID"))


class ValkeyCluster:
    """`primaries` with an equal part of the slots each, each with `replicas`; `nodes`: those first, then these.

    No node takes another's place by itself: see `take_over`."""

    def __init__(self, folder: Path, primaries: int = 3, replicas: int = 0) -> None:
        self.primaries = [ClusterNode(folder / f"p{at}") for at in range(primaries)]
        self.replicas = [ClusterNode(folder / f"r{at}") for at in range(primaries * replicas)]
        self.nodes = [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        """One of its nodes, as REDIS_URL takes it."""
        return self.primaries[0].url

    def start(self) -> None:
        """Return when it takes commands."""
        for epoch, node in enumerate(self.nodes, 1):
            node.start()
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        first, *others = self.nodes
        for node in others:
            first.ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
        each = -(-REDIS_CLUSTER_HASH_SLOTS // len(self.primaries))
        for at, node in enumerate(self.primaries):
            last = min((at + 1) * each, REDIS_CLUSTER_HASH_SLOTS) - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", at * each, last)
        until(lambda: all(self._knows_all(node) for node in self.nodes), "all know each other")
        for at, node in enumerate(self.replicas):
            node.ask("CLUSTER", "REPLICATE", self.primaries[at % len(self.primaries)].id)
        self.settled()

    def settled(self) -> None:
        """Wait until every node that runs says that all is well, and every replica follows."""
        until(lambda: all(self._is_well(node) for node in self.nodes if _runs(node)), "the Cluster is well")

    def revive(self) -> None:
        """Start what has ended, and wait until all is well."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is not None:
                node.start()
        self.settled()

    def owner(self, key: str) -> ClusterNode:
        """The node that has a key, by the word of those that answer."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            with contextlib.suppress(RedisError, OSError):
                for first, last, primary, *_ in node.ask("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return next(found for found in self.nodes if found.port == primary[1])
        raise AssertionError(f"nobody has {key}")

    def replica_of(self, node: ClusterNode) -> ClusterNode:
        """Whoever follows it."""
        return next(
            found
            for found in self.nodes
            if found.ask("ROLE")[0] == "slave" and found.ask("ROLE")[2] == node.port
        )

    def flush(self) -> None:
        """Forget all data."""
        for node in self.nodes:
            if node.ask("ROLE")[0] == "master":
                node.ask("FLUSHALL")

    def take_over(self, replica: ClusterNode) -> None:
        """Its primary does not answer any more: it takes its place."""
        replica.ask("CLUSTER", "FAILOVER", "TAKEOVER")
        others = [node for node in self.nodes if _runs(node)]
        until(lambda: all(_knows(node, replica) for node in others), "all know who has taken the place")

    def open_slot(self, key: str, to: ClusterNode) -> None:
        """Begin to move a key's slot: what is not there any more is asked for at the other node (ASK)."""
        slot, source = key_slot(key.encode()), self.owner(key)
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)

    def move_keys(self, key: str, to: ClusterNode) -> None:
        """The keys of a slot that was opened, one at a time, while others write."""
        slot, source = key_slot(key.encode()), self.owner(key)
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1):
            self.move_key(keys[0], to)

    def move_key(self, key: str, to: ClusterNode) -> None:
        """One of them."""
        self.owner(key).ask("MIGRATE", "127.0.0.1", to.port, key, 0, round(PATIENCE * 1000))

    def close_slot(self, key: str, to: ClusterNode) -> None:
        """From now on it is the other node's (MOVED)."""
        slot, source, name = key_slot(key.encode()), self.owner(key), to.id
        for node in (to, source, *self.nodes):
            if _runs(node) and node.ask("ROLE")[0] == "master":
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", name)

    def move_slot(self, key: str, to: ClusterNode) -> None:
        """All three."""
        self.open_slot(key, to)
        self.move_keys(key, to)
        self.close_slot(key, to)

    def stop(self) -> None:
        """End all in order."""
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        """End all as a crash does."""
        for node in self.nodes:
            node.kill()

    def pause(self) -> None:
        """They answer nothing."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """They go on."""
        for node in self.nodes:
            node.resume()

    def _knows_all(self, node: ClusterNode) -> bool:
        lines = node.ask("CLUSTER", "NODES")
        lines = lines.values() if isinstance(lines, dict) else lines.splitlines()
        return len(lines) == len(self.nodes) and "handshake" not in str(lines)

    def _is_well(self, node: ClusterNode) -> bool:
        with contextlib.suppress(RedisError, OSError):
            role = node.ask("ROLE")
            linked = role[0] == "master" or role[3] == "connected"
            return linked and "cluster_state:ok" in _text(node.ask("CLUSTER", "INFO"))
        return False


def _text(found: Any) -> str:
    return (
        "\n".join(f"{name}:{value}" for name, value in found.items())
        if isinstance(found, dict)
        else str(found)
    )


def _knows(node: ClusterNode, primary: ClusterNode) -> bool:
    """Whether it has heard that the other one has slots."""
    return any(first[2][1] == primary.port for first in node.ask("CLUSTER", "SLOTS"))


def _runs(node: ClusterNode) -> bool:
    return node.process is not None and node.process.poll() is None and not node.paused


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for it, for a long time."""
    deadline = time.monotonic() + 3 * PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def running_cluster(folder: Path, primaries: int = 3, replicas: int = 0) -> Iterator[ValkeyCluster]:
    """A Cluster for a test or a module; arguments as of `ValkeyCluster`."""
    cluster = ValkeyCluster(folder, primaries, replicas)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
