"""What is written makes what is stored invalid (RFC 9111 section 4.4)."""

from __future__ import annotations

import pytest

from tests.builders.cached import CachedShop, settle, status_of
from tests.builders.gateway import TOKEN
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop():
    return CachedShop()


# Writes


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PURGE"])
async def test_what_is_written_is_read_anew(shop, method):
    await shop.get()
    assert status_of(await shop.get("Content-Length: 0", method=method)) == "fwd=method"
    assert status_of(await shop.get()) == "fwd=uri-miss; stored"


async def test_a_write_that_fails_changes_nothing(shop):
    await shop.get()
    shop.says(status="HTTP/1.1 409 Conflict")
    await shop.get("Content-Length: 0", method="POST")
    assert status_of(await shop.get()) == "hit"


async def test_what_location_points_to_is_read_anew(shop):
    for target in ("/shop/items", "/shop/a", "/shop/b?x=1", "/shop/c", "/shop/d"):
        await shop.get(target=target)
    shop.says(
        "Location: /api/a", "Content-Location: http://gw.example/shop/b?x=1", status="HTTP/1.1 201 Created"
    )
    await shop.get("Content-Length: 0", method="POST", target="/shop/other")
    shop.says("Location: http://elsewhere.example/api/c", "Content-Location: //elsewhere.example/d")
    await shop.get("Content-Length: 0", method="POST", target="/shop/other")
    shop.says("Cache-Control: max-age=60")
    hits = {
        t: status_of(await shop.get(target=t)) == "hit"
        for t in ("/shop/a", "/shop/b?x=1", "/shop/c", "/shop/d")
    }
    assert hits == {"/shop/a": False, "/shop/b?x=1": False, "/shop/c": True, "/shop/d": True}


async def test_a_tenants_write_counts_for_the_anonymous_too(shop):
    await shop.get()
    await shop.get(TOKEN, "Content-Length: 0", method="PUT", edge=shop.another())
    assert status_of(await shop.get()) == "fwd=uri-miss; stored"


async def test_an_answer_that_was_on_its_way_when_it_was_written_is_not_kept(shop):
    shop.silent = True
    shop.edge.receive(wire("GET /shop/items HTTP/1.1"))
    reading = shop.asked[-1]
    shop.silent = False
    await shop.get("Content-Length: 0", method="PUT", edge=shop.another())
    reading.answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3", b"old")
    await settle()
    assert status_of(await shop.get(edge=shop.another())) == "fwd=uri-miss; stored"
