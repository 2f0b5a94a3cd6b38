"""What every state of a client connection shares: what is read ahead, refusing what cannot be read, and closing."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from brain_gateway.api.edge.dispatch import status_of
from brain_gateway.api.edge.responder import Responder
from brain_gateway.application.gateway.exchange import ClientAddress, Refusal
from brain_gateway.domain.http.requests import UNREAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from brain_gateway.api.edge.runtime import EdgeRuntime
    from brain_gateway.domain.errors import CallerError


class ClientSide(Responder):
    """A connection's reading side. `_feed` is the function that takes the bytes that come in the present state."""

    __slots__ = ("_client", "_feed", "_head_since", "_pending", "_since", "_task", "_unsent")

    def __init__(self, runtime: EdgeRuntime) -> None:
        super().__init__(runtime)
        self._client: ClientAddress = None  # type: ignore[assignment]  # connection_made comes first
        self._feed: Callable[[Any, bytes], None] = ClientSide._discard
        self._pending = b""  # bytes that belong to the next request, or part of a head
        self._head_since = 0.0  # when the head that is in `_pending` began, 0.0 for none
        self._since = 0.0  # when the present idling, body or closing began
        self._unsent = 0  # bytes of the last answer that the client had not taken at the last look
        self._task: asyncio.Task[None] | None = None

    # For the subclass

    @abstractmethod
    def _read_head(self, data: bytes) -> None:
        """Bytes of a request's head, perhaps with what follows it."""

    def _busy(self) -> bool:
        """Whether a request is being answered."""
        return self._exchange is not None or self._task is not None

    # Between requests

    def _queue(self, data: bytes) -> None:
        """Keep what belongs to the next request, up to a bound."""
        self._pending += data
        if len(self._pending) > self._runtime.limits.most_pending:
            self.pause_body()

    def _discard(self, data: bytes) -> None:
        """Nothing of it matters any more."""

    def _next(self, keep_alive: bool) -> None:
        """Ready for another request, or done. A client that does not read its answers is not asked for more."""
        if not keep_alive:
            self._close_gently()
        elif self._pending or self._write_paused:
            self._feed = ClientSide._queue
            if not self._write_paused:
                asyncio.get_running_loop().call_soon(self._take_pending)
        else:
            self._feed = type(self)._read_head
            self.resume_body()

    def _take_pending(self) -> None:
        """Read what came while the last request was answered."""
        if self.transport.is_closing() or self._feed is not ClientSide._queue or self._busy():
            return
        if self._write_paused:
            return  # resume_writing comes here again
        data, self._pending = self._pending, b""
        self._head_since = 0.0
        self._feed = type(self)._read_head
        self.resume_body()
        if data:
            self._read_head(data)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._take_pending()

    # The end

    def _refuse_unread(self, error: CallerError) -> None:
        """The connection cannot be trusted any more: answer and close."""
        refusal = Refusal(error)
        id_line = self._runtime.router.id_line(UNREAD)
        self._write_refusal(refusal, UNREAD, id_line, False)
        self._runtime.settlement.refused(refusal, UNREAD, id_line, self._client, status_of(refusal))
        self._close_gently()

    def _still_unsent(self, now: float) -> bool:
        """Whether the client has an answer to read yet; one that reads nothing for long is given up."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent != self._unsent:
            self._since = now
        elif unsent and now - self._since > self._runtime.limits.send_timeout:
            self.transport.abort()
        self._unsent = unsent
        return unsent > 0

    def _check_closing(self, now: float) -> None:
        if now - self._since > self._runtime.limits.linger:
            self.transport.abort()

    def _close_gently(self) -> None:
        """Let the answer arrive before the close: what the client still sends is read and thrown away for a while."""
        self._feed = ClientSide._discard
        self._pending = b""
        self._since = self._runtime.clock()
        if self.transport.is_closing():
            return
        self.resume_body()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
