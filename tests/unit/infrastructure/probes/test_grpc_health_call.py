"""The call without a socket: an HTTP/2 server in memory answers it in every way."""

from __future__ import annotations

import contextlib

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.infrastructure.probes.attempt import UnhealthyAnswerError
from brain_gateway.infrastructure.probes.grpc_health_call import HealthCall

OK = [(":status", "200"), ("content-type", "application/grpc")]
SERVING = b"\x00\x00\x00\x00\x02\x08\x01"


class Server:
    """Takes a call's request and sends what a test says."""

    def __init__(self, service: str = ""):
        self.call = HealthCall("http", "10.0.0.7:7233", service)
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.initiate_connection()
        self.events = self.h2.receive_data(self.call.start())

    def send(self, size: int = 65536) -> None:
        """Send what is due, in pieces, taking the answers."""
        data = self.h2.data_to_send()
        for start in range(0, len(data), size):
            self.h2.receive_data(self.call.receive(data[start : start + size]))

    def answer(
        self, body: bytes | None, *, headers=OK, trailers=(("grpc-status", "0"),), size: int = 65536
    ) -> str:
        """The verdict on headers, a body unless None, and trailers."""
        self.h2.send_headers(1, headers, end_stream=body is None and not trailers)
        if body is not None:
            self.h2.send_data(1, body, end_stream=not trailers)
        if trailers:
            self.h2.send_headers(1, trailers, end_stream=True)
        self.send(size)
        assert self.call.ended
        return self.call.verdict()

    def unhealthy(self, *args, **kwargs) -> str:
        with pytest.raises(UnhealthyAnswerError) as caught:
            self.answer(*args, **kwargs)
        return str(caught.value)


@pytest.mark.parametrize(
    ("service", "message"),
    [("", b""), ("a.B", b"\x0a\x03a.B"), ("s" * 200, b"\x0a\xc8\x01" + b"s" * 200)],
)
def test_the_request(service, message):
    server = Server(service)
    headers = dict(next(event.headers for event in server.events if isinstance(event, RequestReceived)))
    body = b"".join(event.data for event in server.events if isinstance(event, DataReceived))
    assert headers[b":path"] == b"/grpc.health.v1.Health/Check"
    assert (headers[b":method"], headers[b"te"]) == (b"POST", b"trailers")
    assert headers[b"content-type"] == b"application/grpc"
    assert body == b"\x00" + len(message).to_bytes(4, "big") + message


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_serving_in_pieces_of_any_size(size):
    assert Server().answer(SERVING, size=size) == "SERVING"


def test_a_trailers_only_answer():
    headers = [*OK, ("grpc-status", "12")]
    assert "no health service" in Server().answer(None, headers=headers, trailers=())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x00\x00\x00\x00\x00", "UNKNOWN"),
        (b"\x00\x00\x00\x00\x02\x08\x00", "UNKNOWN"),
        (b"\x00\x00\x00\x00\x02\x08\x02", "NOT_SERVING"),
        (b"\x00\x00\x00\x00\x02\x08\x03", "SERVICE_UNKNOWN"),
        (b"\x00\x00\x00\x00\x02\x08\x63", "an unknown status"),
        (b"\x00\x00\x00\x00\x02\x10\x01", "an unknown status"),
        (b"\x01\x00\x00\x00\x02\x08\x01", "an unknown status"),
        (b"\x00\x00", "an unknown status"),
        (b"", "an unknown status"),
    ],
)
def test_other_statuses_are_unhealthy(body, said):
    assert Server().unhealthy(body) == said


@pytest.mark.parametrize(
    ("trailers", "said"),
    [
        ((("grpc-status", "5"),), "does not know"),
        ((("grpc-status", "14"), ("grpc-message", "10.0.0.7 is away")), "gRPC status 14"),
        ((("grpc-status", "10.0.0.7"),), "gRPC status none"),
        ((("x", "y"),), "gRPC status none"),
    ],
)
def test_errors_are_unhealthy(trailers, said):
    detail = Server().unhealthy(SERVING, trailers=trailers)
    assert said in detail
    assert "10.0.0.7" not in detail


def test_http_2_without_grpc():
    assert "not gRPC" in Server().unhealthy(b"Not Found", headers=[(":status", "404")], trailers=())


def test_a_reset_stream_and_a_closed_connection():
    reset = Server()
    reset.h2.reset_stream(1)
    with pytest.raises(UnhealthyAnswerError, match="without an answer"):
        reset.send()
    closed = Server()
    closed.h2.close_connection()
    with pytest.raises(UnhealthyAnswerError, match="without an answer"):
        closed.send()


def test_what_comes_is_bounded():
    server = Server()
    server.h2.send_headers(1, OK)
    for _ in range(4):
        server.h2.send_data(1, b"x" * 8192)
    with pytest.raises(UnhealthyAnswerError, match="too long"):
        server.send()


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=8))
def test_nonsense_is_unhealthy_and_nothing_else(pieces):
    call = HealthCall("http", "a", "")
    call.start()
    with contextlib.suppress(UnhealthyAnswerError):
        for piece in pieces:
            call.receive(piece)


@given(st.binary(max_size=300))
def test_nonsense_after_a_good_beginning_as_well(data):
    server = Server()
    server.send()
    with contextlib.suppress(UnhealthyAnswerError):
        server.call.receive(data)
