"""Runs one golden case against a running gateway."""

from __future__ import annotations

from typing import Any

from tests.golden.table import Case, filled, pattern
from tests.live.harness.gateway import Gateway
from tests.live.harness.upstream import OK, Arrival, Upstream
from tests.live.harness.wire import Connection, Message

FOLLOW_UP = "GET /health/live HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


class Run:
    """One case; `values` are the marks' meanings."""

    def __init__(self, case: Case, gateway: Gateway, upstream: Upstream, values: dict[str, str]) -> None:
        self.case = case
        self.gateway = gateway
        self.upstream = upstream
        self.values = {**values, "<upstream>": f"127.0.0.1:{upstream.port}"}
        self.expected = [] if case.content["upstream"] == "never" else case.list_of("upstream")
        self.received: list[Message] = []

    async def run(self) -> None:
        """Send, answer, compare."""
        self.upstream.reset(self._script)
        before = self.upstream.total
        client = await self.gateway.connect(source=self.case.content.get("from", "127.0.0.1"))
        try:
            await self._talk(client)
            await self._check_end(client)
        finally:
            client.close()
            if self.upstream.script_errors:
                raise self.upstream.script_errors[0]  # goes before what the client saw of it
        assert len(self.upstream.arrivals) == len(self.expected), "requests at the service"
        if not self.expected:
            assert self.upstream.total == before, "nothing at all may reach a service"

    # The client's side

    async def _talk(self, client: Connection) -> None:
        wanted = self.case.list_of("client")
        pieces = [
            piece if isinstance(piece, dict) else {"head": piece} for piece in self.case.list_of("send")
        ]
        methods = [self._method(piece) for piece in pieces if "bytes" in piece or "head" in piece]
        passed = 0
        for piece in pieces:
            while passed < piece.get("after", 0):
                passed += 1
                await client.response(interim=1)
            await client.send(self._bytes(piece))
        for number, expectation in enumerate(wanted):
            message = await client.response(methods[number] if number < len(methods) else "GET")
            self._check_client(message, expectation)

    async def _check_end(self, client: Connection) -> None:
        closed = self.case.content.get("closed", False)
        if closed is None:
            return
        if closed:
            assert await client.ended(), "the gateway says more than was expected"
            return
        await client.send(FOLLOW_UP)
        assert (await client.response()).status == 200, "the connection does not serve another request"

    def _method(self, piece: dict[str, Any]) -> str:
        return self._bytes(piece).partition(b" ")[0].decode("latin-1")

    def _bytes(self, piece: dict[str, Any] | str) -> bytes:
        if isinstance(piece, str):
            piece = {"head": piece}
        if "bytes" in piece:
            return filled(piece["bytes"], self.values).encode("latin-1")
        head = filled(piece["head"], self.values).strip("\n").replace("\n", "\r\n") + "\r\n\r\n"
        text = head if piece["head"] else ""
        return (text + filled(piece.get("body", ""), self.values)).encode("latin-1")

    def _check_client(self, message: Message, expected: dict[str, Any]) -> None:
        assert message.status == expected["status"], f"{message.head!r} {message.body!r}"
        self._check_fields(message, expected)
        if "body" in expected:
            assert message.body == expected["body"].encode("latin-1")
        if "framing" in expected:
            assert message.framing == expected["framing"]
        assert [interim.status for interim in message.interim] == expected.get("interim", [])
        for name, value in expected.get("json", {}).items():
            found = message.json().get(name)
            assert pattern(str(value), self.values).fullmatch(str(found)), f"{name}: {found!r}"

        for text in expected.get("hides", []):
            assert text.encode() not in message.head + message.body, f"{text} is told"

    # The service's side

    async def _script(self, arrival: Arrival) -> None:
        number = next(at for at, known in enumerate(self.upstream.arrivals) if known is arrival)
        assert number < len(self.expected), f"an unexpected request: {arrival.head!r}"
        expected = self.expected[number]
        answers = expected.get("answers", {"bytes": OK.decode()})
        answers = list(answers) if isinstance(answers, list) else [answers]
        if not expected.get("early"):
            await self._read_body(arrival, answers)
        self._check_service(arrival, expected)
        for answer in answers:
            await arrival.peer.send(self._bytes(answer))
        if expected.get("hangs_up"):
            arrival.peer.close()

    async def _read_body(self, arrival: Arrival, answers: list[Any]) -> None:
        if arrival.get("expect") and self._bytes(answers[0]).startswith(b"HTTP/1.1 100"):
            await arrival.peer.send(self._bytes(answers.pop(0)))
        await arrival.read_body()

    def _check_service(self, arrival: Arrival, expected: dict[str, Any]) -> None:
        if "head" in expected:
            self._check_head(arrival, expected["head"].strip("\n").split("\n"))
        self._check_fields(arrival, expected)
        if "line" in expected:
            assert arrival.first_line == expected["line"]
        if "body" in expected:
            assert arrival.body == expected["body"].encode("latin-1")
        if "framing" in expected:
            assert arrival.framing == expected["framing"]

    def _check_head(self, arrival: Arrival, lines: list[str]) -> None:
        found = arrival.head.decode("latin-1").split("\r\n")[:-2]
        for got, wanted in zip(found, lines, strict=False):
            assert self._same(got, wanted), f"expected {wanted!r}, got {got!r} in {found}"
        assert len(found) == len(lines), f"expected {lines}, got {found}"

    # Both sides

    def _check_fields(self, message: Message, expected: dict[str, Any]) -> None:
        lines = [line for line in message.head.decode("latin-1").split("\r\n")[1:] if line]
        for wanted in expected.get("has", []):
            assert any(self._same(line, wanted) for line in lines), f"no {wanted!r} in {lines}"
        for name in expected.get("lacks", []):
            plain = name.lower().replace("_", "-")
            names = [line.partition(":")[0].lower().replace("_", "-") for line in lines]
            assert plain not in names, f"{name} in {lines}"
        together = expected.get("in_order", [])
        rest = iter(lines)
        for wanted in together:
            assert any(self._same(line, wanted) for line in rest), f"no {wanted!r} in its place in {lines}"

    def _same(self, line: str, wanted: str) -> bool:
        """A line against its expectation; ASGI servers write names in lower case and a space after the colon."""
        wanted = filled(wanted, self.values)
        if self.case.entry == "asgi" and ": " in wanted:
            line, wanted = _plain(line), _plain(wanted)
        return pattern(wanted, self.values).fullmatch(line) is not None


def _plain(line: str) -> str:
    name, _, value = line.partition(":")
    return f"{name.lower()}:{value.strip(' ')}"
