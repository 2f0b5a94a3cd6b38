"""A ResponseSink that keeps what it hears."""

from __future__ import annotations

from brain_gateway.domain.errors import GatewayError
from brain_gateway.domain.http.responses import ResponseHead


class KeptResponse:
    """`events` has the names of the calls in order; the rest is what they brought."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.head: ResponseHead | None = None
        self.informational: list[ResponseHead] = []
        self.body = b""
        self.complete = False
        self.failure: GatewayError | None = None
        self.answered = False
        self.tunnelled = b""

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        assert self.head is None, "a second answer"
        self.events.append("response")
        self.head = head
        self._take(pieces, complete)

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        assert self.head is not None
        self.events.append("body")
        self._take(pieces, complete)

    def _take(self, pieces: list[bytes], complete: bool) -> None:
        assert not self.complete, "more after the end"
        assert self.failure is None, "more after the failure"
        self.body += b"".join(pieces)
        self.complete = complete

    def on_informational(self, head: ResponseHead) -> None:
        self.events.append("informational")
        self.informational.append(head)

    def on_tunnel(self, data: bytes) -> None:
        self.events.append("tunnel")
        self.tunnelled += data

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        assert self.failure is None, "a second failure"
        assert not self.complete, "a failure after the end"
        self.events.append("failure")
        self.failure, self.answered = error, answered

    def on_connected(self) -> None:
        self.events.append("connected")

    def pause_body(self) -> None:
        self.events.append("pause")

    def resume_body(self) -> None:
        self.events.append("resume")
