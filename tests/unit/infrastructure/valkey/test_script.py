"""A script is sent by its digest, and whole where that is not known."""

from __future__ import annotations

from hashlib import sha1

import pytest
from redis.exceptions import NoScriptError, ResponseError

from brain_gateway.infrastructure.valkey.script import Script

pytestmark = pytest.mark.anyio


class Server:
    """It runs nothing; `known` are digests."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.sent: list[tuple[object, ...]] = []

    async def evalsha(self, *words):
        self.sent.append(("EVALSHA", *words))
        if words[0] not in self.known:
            raise NoScriptError("NOSCRIPT")
        return b"answer"

    async def eval(self, *words):
        self.sent.append(("EVAL", *words))
        if words[0] == "bad":
            raise ResponseError("ERR")
        return b"answer"


async def test_one_that_is_known_goes_by_its_digest():
    digest = sha1(b"return 1").hexdigest()
    server = Server(digest)
    assert await Script(server, "return 1")(["{a}1", "{a}2"], (b"\xff", 7)) == b"answer"
    assert server.sent == [("EVALSHA", digest, 2, "{a}1", "{a}2", b"\xff", 7)]


async def test_one_that_is_not_goes_whole():
    server = Server()
    assert await Script(server, "return 1")(["a"]) == b"answer"
    assert server.sent[1:] == [("EVAL", "return 1", 1, "a")]


async def test_its_errors_are_raised():
    with pytest.raises(ResponseError):
        await Script(Server(), "bad")(["a"])
