"""Unit tests open no sockets: who tries is told so at once."""

from __future__ import annotations

import socket

import pytest

_REACHING_OUT = ("connect", "connect_ex", "bind", "sendto")


@pytest.fixture(autouse=True, scope="module")
def _no_sockets():
    """The event loop's own pair of sockets needs none of these."""

    def refuse(self: socket.socket, *_: object) -> None:
        raise AssertionError("a unit test opens no sockets; tests of real ones live in tests/live")

    with pytest.MonkeyPatch.context() as patch:
        for name in _REACHING_OUT:
            patch.setattr(socket.socket, name, refuse)
        yield
