"""One request on its way: what was decided at admission, and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.domain.errors import GatewayError

if TYPE_CHECKING:
    from brain_gateway.application.gateway.caching.carriage import Carriage
    from brain_gateway.application.gateway.lanes import Lane
    from brain_gateway.application.gateway.routing_table import ServiceEntry
    from brain_gateway.application.gateway.sessions import Session
    from brain_gateway.application.gateway.targets import TargetState
    from brain_gateway.application.ports.upstream import ResponseSink, UpstreamConnection
    from brain_gateway.domain.http.requests import Request, RequestFields

NEVER = float("inf")
MOST_HELD = 65536


class Exchange:
    """An admitted request and its fate. Times are monotonic seconds.

    What most requests never touch is a default of the class: making one sets only what differs. `held` keeps the
    request's first body pieces until the service has answered, so that a retry can send them again; it is None once
    more than MOST_HELD bytes have passed. `status` is what the client gets, 0 until that is known.
    """

    sink: ResponseSink  # set by the entry that asked
    connection: UpstreamConnection | None = None
    deadline = NEVER
    attempts = 1
    retried = 0.0  # when the present attempt began, if it is not the first
    status = 0
    sent = 0
    answered = False
    wire_sent = False
    failed_upstream = False
    upgrading = False
    endless = False  # an event stream
    cached = False  # answered without asking the service
    carriage: Carriage | None = None  # its way through the response cache
    held: list[bytes] | None = None
    held_bytes = 0

    def __init__(
        self,
        head: Request,
        lane: Lane,
        client: ClientAddress,
        target: TargetState,
        now: float,
        expires: float,
    ) -> None:
        self.head = head
        self.lane = lane
        self.client = client
        self.target = target
        self.started = now
        self.expires = expires
        self.error = ""
        self.body_done = True
        self.id_line = b""  # of the request id that was made; empty when the caller brought one
        self.trace_line = b""

    def hold(self, piece: bytes) -> None:
        """Keep a piece of body for a retry, or give up keeping when it is too much."""
        if self.held_bytes >= 0:
            self.held_bytes += len(piece)
            if self.held is None:
                self.held = []
            self.held.append(piece)
            if self.held_bytes > MOST_HELD and self.wire_sent:
                self.let_go()

    def let_go(self) -> None:
        """No retry can come any more: keep nothing."""
        self.held = None
        self.held_bytes = -1

    def try_again(self, target: TargetState, now: float, expires: float) -> None:
        """Begin another attempt."""
        self.target = target
        self.retried = now
        self.expires = expires
        self.attempts += 1
        self.wire_sent = False
        self.connection = None

    @property
    def replayable(self) -> bool:
        """Whether the whole request, as far as it has come, can be sent again."""
        return self.held_bytes >= 0


class ClientAddress:
    """Who is at the other end of a connection: one object per connection.

    `address` is the connection's peer, `caller` the client that a trusted peer speaks for (the peer itself otherwise).
    `trusted`: a proxy whose X-Forwarded-* and Forwarded are believed. What was worked out for the last request is kept
    for the next, which is mostly alike: `session` for `fields`, and `tail`, which ends its heads (who it is, whom it
    speaks for), for `tail_block` (or only the host in it, `tail_host`) and `tail_lane`.
    """

    __slots__ = (
        "address",
        "caller",
        "fields",
        "port",
        "scheme",
        "session",
        "tail",
        "tail_block",
        "tail_host",
        "tail_lane",
        "trusted",
    )

    def __init__(self, address: str, port: int, scheme: str, trusted: bool) -> None:
        self.address = address
        self.caller = address
        self.port = port
        self.scheme = scheme
        self.trusted = trusted
        self.fields: RequestFields | None = None
        self.session: Session | None = None
        self.tail_host = b""
        self.tail_block: RequestFields | None = None
        self.tail_lane: Lane | None = None
        self.tail = b""


class Refusal:
    """A request that goes no further: the error, and what the answer carries beside its problem document."""

    __slots__ = ("entry", "error", "headers", "lane")

    def __init__(
        self,
        error: GatewayError,
        headers: tuple[tuple[str, str], ...] = (),
        lane: Lane | None = None,
        entry: ServiceEntry | None = None,
    ) -> None:
        self.error = error
        self.headers = headers
        self.lane = lane
        self.entry = lane.entry if lane is not None else entry


class Reply:
    """An answer that the gateway gives in a service's place: a status and headers, no body."""

    __slots__ = ("entry", "headers", "status")

    def __init__(
        self, status: int, headers: tuple[tuple[str, str], ...], entry: ServiceEntry | None = None
    ) -> None:
        self.status = status
        self.headers = headers
        self.entry = entry
