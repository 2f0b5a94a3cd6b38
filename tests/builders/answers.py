"""Answers, read back from the bytes that a client got."""

from __future__ import annotations

from dataclasses import dataclass, field

from brain_gateway.domain.http.chunked import ChunkedDecoder


@dataclass
class Answer:
    """One answer; `headers` in order, names in lower case. `whole`: its body ended as its head said."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = True

    def __getitem__(self, name: str) -> str:
        """The only value of a header; KeyError where there is none or more than one."""
        values = [value for known, value in self.headers if known == name.lower()]
        if len(values) != 1:
            raise KeyError(f"{name}: {values}")
        return values[0]

    def __contains__(self, name: str) -> bool:
        return any(known == name.lower() for known, _ in self.headers)


def read_answers(data: bytes, *methods: str) -> list[Answer]:
    """All answers in `data`, interim ones included; `methods` of the requests in order (GET where none is given)."""
    answers: list[Answer] = []
    asked = list(methods)
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"half a head: {head!r}"
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1"
        fields = [line.partition(":") for line in lines]
        answer = Answer(int(status), [(name.lower(), value.strip()) for name, _, value in fields])
        answers.append(answer)
        if answer.status >= 200:
            method = asked.pop(0) if asked else "GET"
            data = _read_body(answer, method, data)
        elif answer.status == 101:
            answer.body, data = data, b""
    return answers


def _read_body(answer: Answer, method: str, data: bytes) -> bytes:
    """Take the answer's body; what comes behind it."""
    if method == "HEAD" or answer.status in (204, 304):
        return data
    if "transfer-encoding" in answer:
        assert "content-length" not in answer
        decoder = ChunkedDecoder()
        answer.body = b"".join(decoder.feed(data))
        answer.whole = decoder.done
        return decoder.rest
    if "content-length" in answer:
        length = int(answer["content-length"])
        answer.body, answer.whole = data[:length], len(data) >= length
        return data[length:]
    assert answer["connection"] == "close", "a body without an end on a connection that stays open"
    answer.body = data
    return b""
