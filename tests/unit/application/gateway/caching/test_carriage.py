"""GET and HEAD on a cached route, through the protocol entry: RFC 9111, RFC 9211 and RFC 5861 from the outside."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import UpstreamClosed
from tests.builders.cached import CachedShop, status_of, stored
from tests.builders.gateway import KEY, OTHER_TENANT, TOKEN, principal, service
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop():
    return CachedShop()


# Freshness


async def test_a_fresh_answer_is_used_again(shop):
    first = await shop.get()
    assert status_of(first) == "fwd=uri-miss; stored"
    assert "age" not in first
    shop.pass_time(20.0)
    again = await shop.get()
    assert (again.status, again.body, again["age"]) == (200, b"ok", "20")
    assert again["cache-status"] == "brain-gateway; hit; ttl=40"
    assert len(shop.asked) == 1


async def test_a_stale_one_is_not(shop):
    await shop.get()
    shop.pass_time(60.0)
    shop.says("Cache-Control: max-age=60", body=b"new")
    again = await shop.get()
    assert (again.body, status_of(again)) == (b"new", "fwd=stale; stored")
    assert (await shop.get()).body == b"new"


FRESH = [
    ("Cache-Control: max-age=100",),
    ("Cache-Control: MAX-AGE=100",),
    ('Cache-Control: max-age="100"',),
    ("Cache-Control: max-age=0000100",),
    ("Cache-Control: max-age=99999999999999999999",),
    ("Cache-Control: max-age=100", "Cache-Control: max-age=1"),
    ("Cache-Control: foo, max-age=100, bar",),
    ("Cache-Control: max-age=1, s-maxage=100",),
    ("Cache-Control: public, max-age=100",),
    ('Cache-Control: extension="max-age=1", max-age=100',),
    ("Cache-Control: max-age=100", "Pragma: no-cache"),
    ("Cache-Control: max-age=100", "Expires: 0"),
    ("Cache-Control: max-age=100", "Age: 10"),
    ("Cache-Control: max-age=100", "Age: abc"),
    ("Cache-Control: max-age=100", "Age: 10, 7200"),
    ("Cache-Control: no-store, must-understand, max-age=100",),
    ('Cache-Control: private="x-a", max-age=100',),
    ("CDN-Cache-Control: max-age=100", "Cache-Control: no-store"),
    ("CDN-Cache-Control: MaX-age=1", "Cache-Control: max-age=100"),
]


@pytest.mark.parametrize("lines", FRESH, ids="|".join)
async def test_fresh_after_half_a_minute(shop, lines):
    shop.says(*lines)
    await shop.get()
    shop.pass_time(30.0)
    assert status_of(await shop.get()) == "hit"


STALE = [
    ("Cache-Control: max-age=1",),
    ("Cache-Control: max-age=100a",),
    ("Cache-Control: max-age=100.0",),
    ("Cache-Control: max-age='100'",),
    ("Cache-Control: max-age=-100",),
    ("Cache-Control: max-age =100",),
    ("Cache-Control: max-age=1", "Cache-Control: max-age=100"),
    ("Cache-Control: max-age=100, s-maxage=1",),
    ("Cache-Control: max-age=100", "Age: 99"),
    ("Cache-Control: max-age=100", "Age: 99999999999999"),
    ('Cache-Control: extension="max-age=100", max-age=1',),
    ('Cache-Control: max-age=1, extension="max-age=100"',),
    ("Expires: 0",),
    ("Expires: Thu, 18 Aug 2050 02:01:18 UTC",),
    ("Cache-Control: max-age=100, no-cache",),
    ("Cache-Control: max-age=100, no-store",),
    ("Cache-Control: max-age=100, private",),
    ("Cache-Control: max-age=100", "Vary: *"),
    ("Cache-Control: max-age=100", "Vary: accept, *"),
    ("Cache-Control: max-age=100", "Set-Cookie: session=1"),
    ("CDN-Cache-Control: no-store", "Cache-Control: max-age=100"),
    (),
]


@pytest.mark.parametrize("lines", STALE, ids="|".join)
async def test_not_used_after_half_a_minute(shop, lines):
    shop.says(*lines)
    await shop.get()
    shop.pass_time(30.0)
    assert not status_of(await shop.get()).startswith("hit")


async def test_expires_and_date_decide_together(shop):
    assert await stored(shop, f"Date: {shop.date()}", f"Expires: {shop.date(-100)}")
    shop.pass_time(101.0)
    assert status_of(await shop.get()).startswith("fwd=stale")


async def test_an_old_date_is_age(shop):
    shop.says(f"Date: {shop.date(59.0)}", "Cache-Control: max-age=60")
    await shop.get()
    assert (await shop.get())["age"] == "59"
    shop.pass_time(1.0)
    assert status_of(await shop.get()).startswith("fwd=stale")


async def test_a_guess_from_last_modified(shop):
    assert await stored(shop, f"Last-Modified: {shop.date(1000.0)}")
    shop.pass_time(101.0)
    assert status_of(await shop.get()).startswith("fwd=stale")


async def test_no_guess_for_statuses_that_allow_none(shop):
    assert not await stored(shop, f"Last-Modified: {shop.date(1000.0)}", status="HTTP/1.1 201 Created")
    shop = CachedShop()
    assert await stored(
        shop, f"Last-Modified: {shop.date(1000.0)}", "Cache-Control: public", status="HTTP/1.1 201 Created"
    )


async def test_a_route_may_say_how_long_an_answer_is_fresh_that_does_not():
    shop = CachedShop(default_ttl=50.0)
    assert await stored(shop)
    shop.pass_time(51.0)
    assert status_of(await shop.get()).startswith("fwd=stale")
    shop = CachedShop(default_ttl=50.0)
    assert not await stored(shop, "Cache-Control: no-cache")


STATUSES = [200, 203, 204, 299, 301, 302, 307, 308, 400, 403, 404, 410, 418, 500, 501, 503, 599]


@pytest.mark.parametrize("status", STATUSES)
async def test_every_final_status_that_states_its_freshness(shop, status):
    assert await stored(
        shop, "Cache-Control: max-age=60", status=f"HTTP/1.1 {status} X", body=b"" if status == 204 else b"x"
    )


@pytest.mark.parametrize("status", [206, 304])
async def test_statuses_that_are_parts_of_others(shop, status):
    assert not await stored(shop, "Cache-Control: max-age=60", status=f"HTTP/1.1 {status} X", body=b"")


async def test_must_understand_leaves_unknown_statuses_out(shop):
    assert not await stored(shop, "Cache-Control: max-age=60, must-understand", status="HTTP/1.1 599 X")


# What the caller says


MISSES = ["no-cache", "max-age=0", "max-age=10", "min-fresh=50"]


@pytest.mark.parametrize("directive", MISSES)
async def test_callers_may_want_newer_ones(shop, directive):
    await shop.get()
    shop.pass_time(20.0)
    assert status_of(await shop.get(f"Cache-Control: {directive}")) == "fwd=request; stored"


@pytest.mark.parametrize("directive", ["max-age=30", "min-fresh=30", "max-stale", "x", "only-if-cached"])
async def test_or_be_content(shop, directive):
    await shop.get()
    shop.pass_time(20.0)
    assert status_of(await shop.get(f"Cache-Control: {directive}")) == "hit"


async def test_pragma_counts_without_cache_control(shop):
    await shop.get()
    assert status_of(await shop.get("Pragma: no-cache")) == "fwd=request; stored"
    assert status_of(await shop.get("Pragma: no-cache", "Cache-Control: max-age=60")) == "hit"


async def test_max_stale_takes_old_ones_where_they_may_be_served(shop):
    await shop.get()
    shop.pass_time(70.0)
    assert status_of(await shop.get("Cache-Control: max-stale=5")).startswith("fwd=stale")
    shop.pass_time(70.0)
    answer = await shop.get("Cache-Control: max-stale=20")
    assert answer["cache-status"] == "brain-gateway; hit; ttl=-10"


@pytest.mark.parametrize("strict", ["must-revalidate", "proxy-revalidate", "s-maxage=60"])
async def test_but_not_against_the_services_word(shop, strict):
    shop.says(f"Cache-Control: max-age=60, {strict}")
    await shop.get()
    shop.pass_time(61.0)
    assert status_of(await shop.get("Cache-Control: max-stale=20")).startswith("fwd=stale")


async def test_no_store_in_a_request(shop):
    answer = await shop.get("Cache-Control: no-store")
    assert status_of(answer) == 'fwd=request; detail="no-store"'
    assert status_of(await shop.get()) == "fwd=uri-miss; stored"


async def test_only_if_cached_without_one(shop):
    answer = await shop.get("Cache-Control: only-if-cached")
    assert (answer.status, len(shop.asked)) == (504, 0)
    assert shop.gateway.target().breaker.calm


async def test_a_route_may_not_care_what_callers_say():
    shop = CachedShop(client_control=False)
    await shop.get()
    assert status_of(await shop.get("Cache-Control: no-cache", "Pragma: no-cache")) == "hit"


# Vary


async def test_vary_tells_variants_apart(shop):
    shop.says("Cache-Control: max-age=60", "Vary: Accept-Language", body=b"en")
    await shop.get("Accept-Language: en")
    shop.says("Cache-Control: max-age=60", "Vary: Accept-Language", body=b"de")
    assert status_of(await shop.get("Accept-Language: de")) == "fwd=vary-miss; stored"
    assert status_of(await shop.get()) == "fwd=vary-miss; stored"
    assert (await shop.get("Accept-Language: en")).body == b"en"
    assert (await shop.get("Accept-Language: de", "X-Other: 1")).body == b"de"
    assert len(shop.asked) == 3


async def test_lists_are_compared_without_their_white_space(shop):
    shop.says("Cache-Control: max-age=60", "Vary: X-A")
    await shop.get("X-A: 1", "X-A: 2")
    assert status_of(await shop.get("X-A: 1,2")) == "hit"
    assert status_of(await shop.get("X-A: 2, 1")) == "fwd=vary-miss; stored"


@pytest.mark.parametrize("name", ["X-Forwarded-For", "traceparent", "X-Request-ID", "Forwarded"])
async def test_what_the_gateway_makes_anew_each_time_selects_nothing(shop, name):
    assert not await stored(shop, "Cache-Control: max-age=60", f"Vary: {name}")


async def test_the_host_tells_apart_what_a_service_may_write_into_its_answer(shop):
    await shop.get()
    (answer,) = await shop.edge.ask(wire("GET /shop/items HTTP/1.1", host="Host: evil.example"))
    assert status_of(answer).startswith("fwd=vary-miss")


# Who asks


async def test_answers_to_known_callers_are_shared_only_where_the_service_says_so(shop):
    assert not await stored(shop, "Cache-Control: max-age=60", fields=(TOKEN,))
    for control in ("public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"):
        shop = CachedShop()
        assert await stored(shop, f"Cache-Control: {control}", fields=(TOKEN,))
        assert status_of(await shop.get(KEY)) == "hit", "another user of the same tenant"


async def test_even_credentials_that_do_not_count_are_some(shop):
    assert not await stored(shop, "Cache-Control: max-age=60", fields=("Authorization: Basic eDp5",))


async def test_tenants_and_the_anonymous_are_apart(shop):
    shop.gateway.tokens.tokens[b"other-token"] = principal(OTHER_TENANT)
    shop.says("Cache-Control: public, max-age=60", body=b"theirs")
    await shop.get(TOKEN)
    shop.says("Cache-Control: public, max-age=60", body=b"nobody's")
    assert (await shop.get(edge=shop.another())).body == b"nobody's"
    shop.says("Cache-Control: public, max-age=60", body=b"others'")
    other = "Authorization: Bearer other-token"
    assert (await shop.get(other, edge=shop.another())).body == b"others'"
    assert (await shop.get(TOKEN, edge=shop.another())).body == b"theirs"
    assert len(shop.asked) == 3


async def test_each_user_apart():
    shop = CachedShop(per_user=True)
    shop.gateway.tokens.tokens[b"second"] = principal(user_id="u-2")
    second = "Authorization: Bearer second"
    shop.says("Cache-Control: max-age=60", body=b"1")
    await shop.get(TOKEN)
    shop.says("Cache-Control: max-age=60", body=b"2")
    assert status_of(await shop.get(second, edge=shop.another())) == "fwd=vary-miss; stored"
    assert (await shop.get(TOKEN, edge=shop.another())).body == b"1"
    assert (await shop.get(second, edge=shop.another())).body == b"2"
    shop = CachedShop(per_user=True)
    assert not await stored(shop, "Cache-Control: private, max-age=60", fields=(TOKEN,))


async def test_vary_on_who_asks_is_the_gateways_own_word():
    shop = CachedShop()
    shop.gateway.tokens.tokens[b"second"] = principal(user_id="u-2")
    shop.says("Cache-Control: public, max-age=60", "Vary: X-User-ID")
    await shop.get(TOKEN)
    assert (
        status_of(await shop.get("Authorization: Bearer second", "X-User-ID: u-1")) == "fwd=vary-miss; stored"
    )
    assert status_of(await shop.get(TOKEN)) == "hit"


async def test_a_key_that_is_revoked_gets_nothing_from_the_store():
    shop = CachedShop(public=False)
    shop.says("Cache-Control: public, max-age=60")
    assert await stored(shop, "Cache-Control: public, max-age=60", fields=(KEY,))
    shop.gateway.keys.keys.clear()
    shop.gateway.sessions.end_all(lambda known: known.scheme == "api_key")
    assert (await shop.get(KEY)).status == 401


# Conditional requests


async def test_a_client_that_has_it_gets_304(shop):
    shop.says("Cache-Control: max-age=60", 'ETag: "a"', "Content-Type: text/plain", "X-A: 1")
    await shop.get()
    answer = await shop.get('If-None-Match: "x", W/"a"')
    assert (answer.status, answer.body, answer["etag"]) == (304, b"", '"a"')
    assert "content-type" not in answer
    assert (await shop.get('If-None-Match: "b"')).status == 200
    assert (await shop.get("If-None-Match: *")).status == 304
    assert len(shop.asked) == 1


async def test_if_modified_since(shop):
    shop.says("Cache-Control: max-age=60", f"Last-Modified: {shop.date(100)}")
    await shop.get()
    assert (await shop.get(f"If-Modified-Since: {shop.date(100)}")).status == 304
    assert (await shop.get(f"If-Modified-Since: {shop.date(101)}")).status == 200
    assert (await shop.get(f"If-Modified-Since: {shop.date(0)}", 'If-None-Match: "x"')).status == 200


async def test_a_stale_answer_is_validated(shop):
    shop.says(
        "Cache-Control: max-age=60", 'ETag: "a"', f"Last-Modified: {shop.date(100)}", "X-A: 1", "X-B: 1"
    )
    await shop.get()
    shop.pass_time(70.0)
    shop.says(
        "Cache-Control: max-age=30", 'ETag: "a"', "X-A: 2", status="HTTP/1.1 304 Not Modified", body=b""
    )
    answer = await shop.get()
    head = shop.asked[-1].head
    assert b'\r\nIf-None-Match: "a"\r\n' in head
    assert f"\r\nIf-Modified-Since: {shop.date(170)}\r\n".encode() in head
    assert (answer.status, answer.body, answer["x-a"], answer["x-b"]) == (200, b"ok", "2", "1")
    assert (answer["age"], answer["content-length"]) == ("0", "2")
    assert status_of(answer) == "fwd=stale; fwd-status=304; stored"
    shop.pass_time(29.0)
    assert status_of(await shop.get()) == "hit"


async def test_the_clients_conditions_are_not_the_caches(shop):
    shop.says("Cache-Control: max-age=60", 'ETag: "a"')
    await shop.get()
    shop.pass_time(70.0)
    shop.says("Cache-Control: max-age=60", 'ETag: "a"', status="HTTP/1.1 304 Not Modified", body=b"")
    answer = await shop.get('If-None-Match: "old"')
    assert b'"old"' not in shop.asked[-1].head
    assert (answer.status, answer.body) == (200, b"ok")
    shop.pass_time(70.0)
    assert (await shop.get('If-None-Match: "a"')).status == 304


async def test_an_answer_that_has_changed_takes_the_old_ones_place(shop):
    shop.says("Cache-Control: max-age=60", 'ETag: "a"')
    await shop.get()
    shop.pass_time(70.0)
    shop.says("Cache-Control: max-age=60", 'ETag: "b"', body=b"new")
    assert (await shop.get()).body == b"new"
    assert (await shop.get()).body == b"new"


async def test_a_304_that_speaks_of_something_else_is_not_believed(shop):
    shop.says("Cache-Control: max-age=60", 'ETag: "a"')
    await shop.get()
    shop.pass_time(70.0)
    answers = [("HTTP/1.1 304 Not Modified", ['ETag: "z"'], b""), ("HTTP/1.1 200 OK", ['ETag: "z"'], b"z")]

    def answer(connection):
        shop.status, shop.lines, shop.body = answers.pop(0)
        shop._answer(connection)

    shop.gateway.pool().when_done = answer
    assert (await shop.get()).body == b"z"
    assert b"If-None-Match" in shop.asked[-2].head
    assert b"If-None-Match" not in shop.asked[-1].head


async def test_no_cache_is_validated_each_time(shop):
    shop.says("Cache-Control: no-cache", 'ETag: "a"')
    await shop.get()
    shop.says("Cache-Control: no-cache", 'ETag: "a"', status="HTTP/1.1 304 Not Modified", body=b"")
    for _ in range(2):
        assert status_of(await shop.get()) == "fwd=stale; fwd-status=304; stored"
    assert len(shop.asked) == 3


async def test_conditions_of_a_client_without_anything_stored_go_on(shop):
    shop.says('ETag: "a"', status="HTTP/1.1 304 Not Modified", body=b"")
    answer = await shop.get('If-None-Match: "a"')
    assert (answer.status, status_of(answer)) == (304, 'fwd=uri-miss; detail="status"')
    assert b'If-None-Match: "a"' in shop.asked[0].head


# What passes the cache by


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("Range: bytes=0-1,3-4", "range"),
        ("Range: bytes=9-", "range"),
        ("Range: lines=1-2", "range"),
        ('If-Match: "a"', "precondition"),
        ('If-Range: "a"', "precondition"),
    ],
)
async def test_what_only_the_service_can_answer(shop, line, detail):
    await shop.get()
    answer = await shop.get(line)
    assert status_of(answer) == f'fwd=bypass; detail="{detail}"'
    assert line.encode() in shop.asked[-1].head
    assert len(shop.asked) == 2


PARTS = [
    ("0-1", b"01", "0-1"), ("8-", b"89", "8-9"), ("-3", b"789", "7-9"), ("5-99", b"56789", "5-9"),
    ("-99", b"0123456789", "0-9"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "body", "place"), PARTS)
async def test_a_part_of_what_is_stored(shop, asked, body, place):
    shop.says("Cache-Control: max-age=60", 'ETag: "a"', body=b"0123456789")
    await shop.get()
    answer = await shop.get(f"Range: bytes={asked}")
    assert (answer.status, answer.body, answer["content-range"]) == (206, body, f"bytes {place}/10")
    assert (answer["content-length"], answer["etag"], status_of(answer)) == (str(len(body)), '"a"', "hit")
    assert (await shop.get(f"Range: bytes={asked}", 'If-None-Match: "a"')).status == 304


async def test_a_part_of_what_is_not_stored_is_the_services_affair(shop):
    shop.says(
        "Cache-Control: max-age=60", "Content-Range: bytes 0-1/10", status="HTTP/1.1 206 Partial Content"
    )
    for _ in range(2):
        answer = await shop.get("Range: bytes=0-1")
        assert (answer.status, status_of(answer)) == (206, 'fwd=bypass; detail="range"')
    shop.says("Cache-Control: max-age=60")
    assert status_of(await shop.get()) == "fwd=uri-miss; stored"


async def test_a_get_with_a_body(shop):
    await shop.get()
    (answer,) = await shop.edge.ask(wire("GET /shop/items HTTP/1.1", "Content-Length: 2", body=b"hi"))
    assert status_of(answer) == 'fwd=bypass; detail="body"'
    assert shop.asked[-1].body == b"hi"


async def test_other_safe_methods(shop):
    await shop.get()
    assert status_of(await shop.get(method="OPTIONS")) == "fwd=method"
    assert status_of(await shop.get()) == "hit"


# HEAD


async def test_head_is_answered_from_what_get_stored(shop):
    await shop.get()
    answer = await shop.get(method="HEAD")
    assert (answer["content-length"], status_of(answer), answer.body) == ("2", "hit", b"")


async def test_an_answer_to_head_is_not_stored(shop):
    assert status_of(await shop.get(method="HEAD")) == 'fwd=uri-miss; detail="head"'
    assert status_of(await shop.get()) == "fwd=uri-miss; stored"


async def test_head_shows_what_has_changed(shop):
    shop.says("Cache-Control: max-age=60", 'ETag: "a"')
    await shop.get()
    shop.says("Cache-Control: max-age=60", 'ETag: "b"')
    await shop.get("Cache-Control: no-cache", method="HEAD")
    assert status_of(await shop.get()) == "fwd=uri-miss; stored"


# Stale while revalidate


async def test_served_stale_and_asked_beside_that(shop):
    shop.says("Cache-Control: max-age=60, stale-while-revalidate=30", body=b"old")
    await shop.get()
    shop.pass_time(70.0)
    shop.says("Cache-Control: max-age=60, stale-while-revalidate=30", body=b"new")
    answer = await shop.get()
    assert (answer.body, answer["cache-status"]) == (b"old", "brain-gateway; hit; ttl=-10")
    assert (await shop.get()).body == b"new"
    assert len(shop.asked) == 2
    assert shop.gateway.target().in_flight == 0


async def test_once_at_a_time_and_not_for_ever(shop):
    shop.says("Cache-Control: max-age=60, stale-while-revalidate=100", body=b"old")
    await shop.get()
    shop.pass_time(70.0)
    shop.silent = True
    for _ in range(3):
        assert (await shop.get()).body == b"old"
    assert len(shop.asked) == 2
    shop.asked[-1].fail(UpstreamClosed())
    assert (await shop.get()).body == b"old"
    assert len(shop.asked) == 3
    assert shop.gateway.target().in_flight == 1


# Books


async def test_what_it_did_is_counted(shop):
    await shop.get()
    await shop.get()
    await shop.get("Range: bytes=0-1,2-3")
    counts = shop.gateway.entry().metrics
    assert counts.cache == {"miss": 1, "hit": 1, "bypass": 1}
    assert counts.cache_bytes == 2
    assert [record.upstream for record in shop.gateway.log.records] == [
        "http://shop:9000",
        "",
        "http://shop:9000",
    ]


async def test_services_without_cached_routes_are_left_alone():
    shop = CachedShop()
    assert shop.gateway.admitted().lane.carrier is not None
    shop.gateway.replace(service())
    assert shop.gateway.admitted().lane.carrier is None
