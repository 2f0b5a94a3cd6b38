"""Several workers on one port: a parent that starts them, replaces those that die, and passes signals on."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger("brain_gateway.supervisor")

_PR_SET_PDEATHSIG = 1
RESTART_AFTER = 1.0  # seconds between a worker's death and its successor, so that a broken one does not spin


class _Signals:
    """What the parent was told: set in handlers, acted upon in the loop."""

    def __init__(self) -> None:
        self.stop = False
        self.reload = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop = True

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        self.reload = True


def supervise(
    workers: int,
    run: Callable[[bool], None],
    drain_timeout: float,
    tend: Callable[[], None] = lambda: None,
) -> None:
    """Fork `workers` children that call `run` (True: it replaces one that died); return when a signal stopped them.

    `tend` is called several times a second: it looks after what else the parent has started.
    """
    signals = _Signals()
    children = {_start(run, False) for _ in range(workers)}
    while not signals.stop:
        tend()
        if signals.reload:
            signals.reload = False
            _send(children, signal.SIGHUP)
        for dead in _reap(children):
            logger.error("worker died", extra={"pid": dead})
            time.sleep(RESTART_AFTER)
            if not signals.stop:
                children.add(_start(run, True))
        time.sleep(0.1)
    _stop(children, drain_timeout + 5.0)


def _start(run: Callable[[bool], None], again: bool) -> int:
    child = os.fork()
    if child:
        return child
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # until the worker can reload
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _follow_the_parent()
    try:
        run(again)
    except KeyboardInterrupt:
        pass
    # A worker must not return into the parent's code, whatever it died of.
    except BaseException:
        logger.exception("worker failed")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _follow_the_parent() -> None:
    """Linux: drain when the parent is gone, however it went (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _reap(children: set[int]) -> list[int]:
    dead = [child for child in children if os.waitpid(child, os.WNOHANG)[0]]
    children.difference_update(dead)
    return dead


def _send(children: set[int], number: int) -> None:
    for child in children:
        os.kill(child, number)


def _stop(children: set[int], patience: float) -> None:
    _send(children, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while children and time.monotonic() < deadline:
        _reap(children)
        time.sleep(0.05)
    _send(children, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
