"""A transport without a wire: it keeps what is written and does as asyncio's would."""

from __future__ import annotations

import asyncio
from typing import Any


class FakeTransport(asyncio.Transport):
    """Speaks to `protocol`, if it is given one.

    written: all bytes so far. The other side reads at once, unless there is a `high_water`: then bytes stay `unsent`
    until `drain()`, and more than so many pause the protocol, once.
    close() and abort() only note it; `lose()` is the loop's later call of connection_lost.
    """

    def __init__(self, protocol: asyncio.Protocol | None = None, **extra: Any) -> None:
        super().__init__(extra)
        self.protocol = protocol
        self.written = b""
        self.writes: list[bytes] = []
        self.reading = True
        self.closed = self.aborted = self.eof_written = self.lost = False
        self.high_water: int | None = None
        self.unsent = 0
        self._told_to_pause = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_closing():
            return
        assert not self.eof_written, "written after write_eof"
        self.writes.append(bytes(data))
        self.written += bytes(data)
        if self.high_water is None:
            return
        self.unsent += len(data)
        if self.unsent > self.high_water and not self._told_to_pause:
            self._told_to_pause = True
            assert self.protocol is not None
            self.protocol.pause_writing()

    def drain(self) -> None:
        """The other side has read everything."""
        self.unsent = 0
        if self._told_to_pause:
            self._told_to_pause = False
            assert self.protocol is not None
            self.protocol.resume_writing()

    def take(self) -> bytes:
        """What was written since the last take."""
        written, self.written = self.written, b""
        return written

    def lose(self, error: Exception | None = None) -> None:
        """The connection is gone; the protocol hears of it once."""
        if not self.lost:
            self.lost = True
            assert self.protocol is not None
            self.protocol.connection_lost(error)

    def is_closing(self) -> bool:
        return self.closed or self.aborted or self.lost

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof_written = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_reading(self) -> bool:
        return self.reading and not self.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high_water = high
