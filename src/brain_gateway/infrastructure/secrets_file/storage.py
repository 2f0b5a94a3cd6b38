"""A file that is replaced whole or not at all, and by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 5.0  # seconds that a process waits for another one's turn to end; a turn takes milliseconds
_PAUSE = 0.005


class OpenToOthersError(Exception):
    """The file can be read or written by others than its owner."""


class BusyError(Exception):
    """Another process has kept its turn for longer than `PATIENCE`."""


class WholeFile:
    """One file of mode 0600; its directory is made (0700) by the first turn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.with_suffix(".lock")

    def read(self) -> bytes | None:
        """All of it, or None if there is none. Raises OpenToOthersError, OSError."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise OpenToOthersError
                return file.read()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def turn(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """While it lasts no other process has one. Raises BusyError, OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait(handle, sleep)
            yield
        finally:
            os.close(handle)  # which ends the turn

    def replace(self, content: bytes) -> None:
        """Put `content` in the file's place, on the disk when this returns. After an OSError the old one is whole."""
        beside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        self._sync_folder()

    def _wait(self, handle: int, sleep: Callable[[float], None]) -> None:
        for _ in range(int(PATIENCE / _PAUSE)):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sleep(_PAUSE)
            else:
                return
        raise BusyError

    def _sync_folder(self) -> None:
        """The new name is on the disk too."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
