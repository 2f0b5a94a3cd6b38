"""CPU time and memory of a process tree, as the kernel booked them (Linux, proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def process_tree(pid: int) -> list[int]:
    """Return `pid` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    tree = [pid]
    for member in tree:  # grows while it is walked: breadth first
        tree.extend(children.get(member, ()))
    return tree


def cpu_seconds(pid: int) -> float:
    """Return the CPU time in seconds (user and system) of all threads of the tree of `pid`.

    /proc/PID/task/TID/schedstat counts nanoseconds; the clock ticks of /proc/PID/stat would be too coarse.
    Threads that have ended are not in it.
    """
    return sum(_thread_nanoseconds(pid)) / 1e9


def resident_bytes(pid: int) -> int:
    """Return the resident memory of the tree of `pid` in bytes; pages that processes share count for each."""
    total = 0
    for member in process_tree(pid):
        try:
            total += int((PROC / str(member) / "statm").read_text().split()[1]) * PAGE_BYTES
        except OSError:  # ended between the listing and the reading
            continue
    return total


def forget_peak(pid: int) -> bool:
    """Start the peak of the resident memory of the tree of `pid` anew; False where the kernel refuses."""
    try:
        for member in process_tree(pid):
            (PROC / str(member) / "clear_refs").write_text("5")
    except OSError:  # a kernel without CONFIG_PROC_PAGE_MONITOR: the peak since the start is an upper bound
        return False
    return True


def peak_resident_bytes(pid: int) -> int:
    """Return the sum of the peaks (VmHWM) of the tree of `pid` in bytes: it misses nothing."""
    total = 0
    for member in process_tree(pid):
        try:
            status = (PROC / str(member) / "status").read_text()
        except OSError:  # ended between the listing and the reading
            continue
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    return total


def connections(pid: int, port: int) -> int:
    """Return how many connections that came to `port` (TCP over IPv4) the process `pid` holds."""
    fields = [line.split() for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]]
    established = {one[9] for one in fields if one[3] == "01" and int(one[1].rpartition(":")[2], 16) == port}
    folder = PROC / str(pid) / "fd"
    return sum(_socket(folder / number) in established for number in os.listdir(folder))


def _socket(file: Path) -> str | None:
    """The inode of the socket that an open file is, as /proc/net/tcp names it."""
    try:
        return os.readlink(file).removeprefix("socket:[").removesuffix("]")
    except OSError:  # closed since the listing
        return None


def _parent(entry: Path) -> int | None:
    try:
        # The command name is in parentheses and may hold spaces: fields are counted after the last one.
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):  # ended between the listing and the reading
        return None


def _thread_nanoseconds(pid: int) -> Iterator[int]:
    for member in process_tree(pid):
        try:
            threads = os.listdir(PROC / str(member) / "task")
        except OSError:  # ended between the listing and the reading
            continue
        for thread in threads:
            try:
                yield int((PROC / str(member) / "task" / thread / "schedstat").read_text().split()[0])
            except OSError:  # the thread has ended
                continue
