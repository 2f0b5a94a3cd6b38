"""Which worker serves a connection (Linux: by the inode of its socket), and a connection to each of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

from tests.live.harness.gateway import Gateway, eventually
from tests.live.harness.wire import PATIENCE, Connection

_ESTABLISHED = "01"


def worker_of(gateway: Gateway, client: Connection) -> int | None:
    """The process that has accepted the connection; None while nobody has."""
    mine = client.writer.get_extra_info("sockname")[1]
    inode = _inode(gateway.port, mine)
    pids = gateway.workers() or [gateway.process.pid]
    return next(
        (pid for pid in pids if inode not in ("", "0") and f"socket:[{inode}]" in _sockets(pid)), None
    )


async def taken(gateway: Gateway, *clients: Connection) -> None:
    """Wait until the gateway has accepted these and read all that they have sent."""
    ports = {client.writer.get_extra_info("sockname")[1] for client in clients}

    def are_read() -> bool:
        ends = _ends(gateway.port)
        return all(port in ends and ends[port][0] != "0" and ends[port][1] == 0 for port in ports)

    await eventually(are_read, "what was sent is read")


async def connection_to_each(gateway: Gateway, count: int) -> dict[int, Connection]:
    """One connection to each of `count` workers, by process id."""
    found: dict[int, Connection] = {}
    deadline = time.monotonic() + 2 * PATIENCE
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {len(found)} workers take connections"
        client = await gateway.connect()
        pid = await _accepted(gateway, client)
        if pid is None or pid in found:
            client.close()
        else:
            found[pid] = client
    return found


async def _accepted(gateway: Gateway, client: Connection) -> int | None:
    for _ in range(200):
        if (pid := worker_of(gateway, client)) is not None:
            return pid
        await asyncio.sleep(0.005)
    return None


def _inode(server: int, client: int) -> str:
    """Of the server's end of a connection over loopback."""
    return _ends(server).get(client, ("", 0))[0]


def _ends(server: int) -> dict[int, tuple[str, int]]:
    """The server's ends of its connections, by the client's port: inode ("0" before it is accepted), and how many
    bytes came that were not read yet (proc(5), /proc/net/tcp)."""
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        if local == server and fields[3] == _ESTABLISHED:
            found[remote] = (fields[9], int(fields[4].rpartition(":")[2], 16))
    return found


def _sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # it may be gone by now
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(str(Path(f"/proc/{pid}/fd/{number}").readlink()))
    return found
