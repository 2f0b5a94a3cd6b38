"""When the issuer's keys are fetched, kept and dropped; time and issuer are scripted."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from brain_gateway.application.ports.token_verifier import PENDING
from brain_gateway.domain.errors import CredentialsInvalid, IdentityUnavailable
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.jwks import JwksCache
from brain_gateway.infrastructure.identity.verifier import TokenVerifier
from tests.builders.issuer import NOW, Body, Issuer

pytestmark = pytest.mark.anyio
CONFIG = VerifierConfig(
    jwks_url="https://issuer.example/jwks.json",
    jwks_min_refetch=10,
    jwks_refresh_interval=300,
    jwks_max_stale=3600,
)


@pytest.fixture
def anyio_backend():
    return "asyncio"


class World:
    """An issuer behind a transport, a clock that stands still, and a verifier between them."""

    def __init__(self):
        self.issuer = Issuer()
        self.issuer.add("k1")
        self.now = 1000.0
        self.fetches = 0
        self.withdrawn = 0
        self.status = 200
        self.headers: dict[str, str] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.slept: list[float] = []
        self.ticks = asyncio.Queue[None]()
        self.cache = JwksCache(
            CONFIG,
            on_withdrawn=self.on_withdrawn,
            transport=httpx.MockTransport(self.answer),
            clock=lambda: self.now,
            entropy=lambda: 0.5,
            sleep=self.sleep,
        )
        self.verifier = TokenVerifier(CONFIG, jwks=self.cache)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.fetches += 1
        document = self.issuer.jwks()
        await self.gate.wait()
        return httpx.Response(self.status, headers=self.headers, stream=Body(document))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.ticks.get()

    def on_withdrawn(self) -> None:
        self.withdrawn += 1

    async def verify(self, token: bytes) -> str:
        """Verified user id, or the name of the error."""
        try:
            if self.verifier.verify(token, NOW) is PENDING:
                await self.verifier.resolve(token)
            principal = self.verifier.verify(token, NOW)
        except (CredentialsInvalid, IdentityUnavailable) as error:
            return type(error).__name__
        assert principal is not PENDING
        return principal.user_id

    async def background_round(self) -> None:
        """Let the background refresh run once more and fall asleep again."""
        before = len(self.slept)
        self.ticks.put_nowait(None)
        await self.asleep(before + 1)

    async def asleep(self, times: int) -> None:
        for _ in range(500):
            if len(self.slept) >= times:
                return
            await asyncio.sleep(0)
        raise AssertionError("the background refresh did not come round")


@pytest.fixture
async def world():
    return World()


def stranger(kid: str) -> bytes:
    other = Issuer()
    other.add(kid, serial=9)
    return other.token(kid)


async def test_keys_are_fetched_once_and_serve_from_memory(world):
    token = world.issuer.token("k1")
    assert [await world.verify(token) for _ in range(3)] == ["user-1"] * 3
    assert world.fetches == 1


async def test_a_new_key_is_fetched_when_first_seen(world):
    await world.verify(world.issuer.token("k1"))
    for kid in ("k2", "k3"):
        world.issuer.add(kid)
        assert await world.verify(world.issuer.token(kid)) == "user-1"
    assert world.fetches == 3


async def test_unknown_key_ids_cost_one_fetch_a_pause(world):
    await world.verify(world.issuer.token("k1"))
    for n in range(50):
        assert await world.verify(stranger(f"x{n}")) == "CredentialsInvalid"
    assert world.fetches == 2
    world.now += 10
    assert await world.verify(stranger("y")) == "CredentialsInvalid"
    assert world.fetches == 3


async def test_resolving_in_the_pause_fetches_nothing(world):
    await world.verify(world.issuer.token("k1"))
    for _ in range(5):
        await world.verifier.resolve(stranger("x"))
    assert world.fetches == 2


async def test_a_crowd_of_unknown_keys_waits_for_one_fetch(world):
    await world.verify(world.issuer.token("k1"))
    world.gate.clear()
    crowd = [asyncio.create_task(world.verify(stranger(f"x{n}"))) for n in range(100)]
    for _ in range(20):
        await asyncio.sleep(0)
    world.gate.set()
    assert set(await asyncio.gather(*crowd)) == {"CredentialsInvalid"}
    assert world.fetches == 2


async def test_a_caller_that_goes_away_does_not_end_the_fetch_of_others(world):
    world.gate.clear()
    token = world.issuer.token("k1")
    first, second = (asyncio.create_task(world.verify(token)) for _ in range(2))
    for _ in range(20):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    world.gate.set()
    assert await second == "user-1"
    assert world.fetches == 1


async def test_an_issuer_that_was_never_reached_is_not_the_callers_fault(world):
    world.status = 503
    token = world.issuer.token("k1")
    assert [await world.verify(token) for _ in range(5)] == ["IdentityUnavailable"] * 5
    assert world.fetches == 1
    world.status, world.now = 200, world.now + 10
    assert await world.verify(token) == "user-1"


async def test_old_keys_stay_when_a_fetch_fails_though_not_for_ever(world):
    token = world.issuer.token("k1")
    await world.verify(token)
    world.status = 500
    world.now += 3600
    assert await world.verify(stranger("x")) == "CredentialsInvalid"
    assert await world.verify(token) == "user-1"
    world.now += 11
    assert [await world.verify(token) for _ in range(5)] == ["IdentityUnavailable"] * 5
    assert world.fetches == 3


async def test_a_key_that_is_no_longer_published_goes_at_the_next_fetch(world):
    world.issuer.add("k2")
    old = world.issuer.token("k1")
    await world.verify(old)
    del world.issuer.keys["k1"]
    assert await world.verify(old) == "user-1"
    async with world.verifier:
        await world.asleep(1)
    assert world.withdrawn == 1
    assert await world.verify(old) == "CredentialsInvalid"


async def test_a_key_replaced_under_its_old_name_is_withdrawn(world):
    await world.verify(world.issuer.token("k1"))
    world.issuer.add("k1", serial=1)
    async with world.verifier:
        await world.asleep(1)
    assert world.withdrawn == 1
    assert await world.verify(world.issuer.token("k1")) == "user-1"


async def test_an_emptied_set_means_that_no_key_holds(world):
    token = world.issuer.token("k1")
    await world.verify(token)
    world.issuer.keys.clear()
    async with world.verifier:
        await world.asleep(1)
    assert await world.verify(token) == "CredentialsInvalid"


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("", 300),
        ("public, max-age=60", 60),
        ("max-age=1", 10),
        ("MAX-AGE=60,public", 60),
        ("max-age=86400", 300),
        ("max-age=60, no-store", 300),
        ("no-cache, max-age=60", 300),
        ("s-maxage=60", 300),
        ("max-age=-5", 300),
        ("max-age=99999999999999", 300),
    ],
)
async def test_the_issuer_may_say_for_how_long_within_bounds(world, cache_control, seconds):
    world.headers = {"cache-control": cache_control}
    async with world.verifier:
        await world.asleep(1)
    assert world.slept == [pytest.approx(seconds)]


async def test_the_background_goes_on_after_failures_and_tries_sooner(world):
    async with world.verifier:
        await world.asleep(1)
        world.status = 404
        await world.background_round()
        world.status = 200
        world.issuer.add("k2")
        await world.background_round()
        assert await world.verify(world.issuer.token("k2")) == "user-1"
    assert world.slept == [pytest.approx(seconds) for seconds in (300, 10, 300)]
    assert world.fetches == 3


async def test_a_background_fetch_does_not_start_the_pause(world):
    async with world.verifier:
        await world.asleep(1)
        world.issuer.add("k2")
        assert await world.verify(world.issuer.token("k2")) == "user-1"


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"keys": 1}', b"\xff\xfe\x00"])
async def test_garbage_is_a_failed_fetch(body):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Body(body)))
    verifier = TokenVerifier(CONFIG, transport=transport)
    issuer = Issuer()
    issuer.add("k1")
    await verifier.resolve(issuer.token("k1"))
    with pytest.raises(IdentityUnavailable):
        verifier.verify(issuer.token("k1"), NOW)


async def test_leaving_ends_a_fetch_under_way(world):
    world.gate.clear()
    async with world.verifier:
        waiting = asyncio.create_task(world.verify(world.issuer.token("k1")))
        for _ in range(20):
            await asyncio.sleep(0)
    assert await waiting == "IdentityUnavailable"
    assert await world.verify(world.issuer.token("k1")) == "IdentityUnavailable"
    assert world.fetches == 1


async def test_an_unreadable_trust_store_is_a_failed_fetch(monkeypatch, tmp_path):
    missing = tmp_path / "none.pem"
    missing.write_text(json.dumps("no certificates"))
    monkeypatch.setenv("SSL_CERT_FILE", str(missing))
    verifier = TokenVerifier(CONFIG)
    issuer = Issuer()
    issuer.add("k1")
    await verifier.resolve(issuer.token("k1"))
    with pytest.raises(IdentityUnavailable):
        verifier.verify(issuer.token("k1"), NOW)
