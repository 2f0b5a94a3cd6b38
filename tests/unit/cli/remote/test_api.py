"""The client: what is sent again and what is not, pages, tags, and what is told of failures."""

from __future__ import annotations

import json

import httpx
import pytest

from brain_gateway.cli.remote.api import Api, segment
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from tests.fakes.scripted_api import ScriptedApi

TOKEN = "eyJ-planted-secret"
BUSY = {"title": "Store unavailable", "detail": "away"}


@pytest.fixture
def admin():
    return ScriptedApi()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def api(admin, waits):
    http = httpx.Client(
        base_url="http://gw.example:8001",
        transport=httpx.MockTransport(admin),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with http:
        yield Api(http, "run", waits.append)


def stop_of(call, *arguments) -> Stopped:
    with pytest.raises(Stopped) as caught:
        call(*arguments)
    assert TOKEN not in str(caught.value)
    return caught.value


def test_a_document_with_its_tag(api, admin):
    admin.on("GET", "/services/1", {"name": "x"}, ETag='"1.2"')
    reply = api.get("/services/1", tenant=None, deleted=True)
    assert (reply.document, reply.etag) == ({"name": "x"}, '"1.2"')
    assert admin.asked == ["GET /services/1?deleted=true"]


def test_no_content(api, admin):
    admin.on("DELETE", "/services/1", status=204)
    assert api.delete("/services/1", '"1.2"').document is None
    assert admin.requests[0].headers["If-Match"] == '"1.2"'


def test_bodies_are_json_and_patches_merge(api, admin):
    admin.on("PATCH", "/x", {})
    admin.on("PUT", "/x", {})
    api.patch("/x", {"a": None})
    api.put("/x", {"a": 1}, '"1"')
    patch, put = admin.requests
    assert (json.loads(patch.content), patch.headers["Content-Type"]) == (
        {"a": None},
        "application/merge-patch+json",
    )
    assert (put.headers["Content-Type"], put.headers["If-Match"]) == ("application/json", '"1"')
    assert "If-Match" not in patch.headers


def test_each_post_has_a_key_of_its_own_and_keeps_it(api, admin):
    admin.on_any(
        "POST", "/x", httpx.ReadError("lost"), httpx.Response(201, json={}), httpx.Response(201, json={})
    )
    api.post("/x", {})
    api.post("/x", {})
    assert [one.headers["Idempotency-Key"] for one in admin.requests] == ["run-1", "run-1", "run-2"]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_sent_again_is(api, admin, waits, method, status):
    admin.on_any(method.upper(), "/x", httpx.Response(status, json=BUSY), httpx.Response(200, json={"a": 1}))
    assert getattr(api, method)("/x").document == {"a": 1}
    assert waits == [0.2]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_other_changes_are_sent_once(api, admin, waits, method):
    admin.on_any(method.upper(), "/x", httpx.Response(503, json=BUSY))
    assert stop_of(getattr(api, method), "/x", {}).code is ExitCode.UNREACHABLE
    admin.on_any(method.upper(), "/y", httpx.ReadError("lost"))
    assert stop_of(getattr(api, method), "/y", {}).code is ExitCode.UNREACHABLE
    assert (waits, len(admin.requests)) == ([], 2)


def test_what_was_never_sent_is_sent_again(api, admin, waits):
    admin.on_any("DELETE", "/x", httpx.ConnectError("refused"), httpx.Response(204))
    api.delete("/x")
    assert waits == [0.2]


def test_three_attempts_are_enough(api, admin, waits):
    admin.on_any("GET", "/x", httpx.ConnectError(f"refused {TOKEN}"))
    stop = stop_of(api.get, "/x")
    assert stop.code is ExitCode.UNREACHABLE
    assert stop.line == "http://gw.example:8001 cannot be reached: is the gateway running there (--url)?"
    assert waits == [0.2, 1.0]


def test_an_error_of_the_gateway_itself_is_not_asked_for_again(api, admin, waits):
    admin.refuse("GET", "/x", 500, "Internal error", "try again", request_id="r9")
    assert stop_of(api.get, "/x").line == "Internal error: try again (request r9)"
    assert waits == []


@pytest.mark.parametrize(("asked", "waited"), [("3", 3.0), ("900", 5.0), ("soon", 0.2), ("", 0.2)])
def test_retry_after(api, admin, waits, asked, waited):
    admin.on_any(
        "GET", "/x", httpx.Response(429, headers={"Retry-After": asked}), httpx.Response(200, json={})
    )
    api.get("/x")
    assert waits == [waited]


@pytest.mark.parametrize(
    ("error", "said"),
    [(httpx.ReadTimeout("x"), "did not answer in time"), (httpx.RemoteProtocolError("x"), "broke off")],
)
def test_other_failures(api, admin, error, said):
    admin.on_any("PUT", "/x", error)
    assert said in stop_of(api.put, "/x", {}).line


def test_pages_are_followed(api, admin):
    admin.on("GET", "/services", {"items": [{"n": 1}, {"n": 2}], "next": "c1"})
    admin.on("GET", "/services", {"items": [{"n": 3}]})
    assert [item["n"] for item in api.items("/services", prefix="a")] == [1, 2, 3]
    assert admin.asked == ["GET /services?limit=500&prefix=a", "GET /services?limit=500&prefix=a&cursor=c1"]


def test_an_answer_that_is_no_json(api, admin):
    admin.on_any("GET", "/x", httpx.Response(404, content=b"<html>"))
    assert "check the address" in stop_of(api.get, "/x").line


def test_a_stream_of_lines(api, admin):
    admin.on_any("GET", "/events", httpx.Response(200, content=b"id: 1\ndata: {}\n\n"))
    with api.stream("/events", {"Last-Event-ID": "7"}, None, types="A") as lines:
        assert list(lines) == ["id: 1", "data: {}", ""]
    assert admin.asked == ["GET /events?types=A"]
    assert admin.requests[0].headers["Last-Event-ID"] == "7"


def test_a_stream_that_is_refused(api, admin):
    admin.refuse("GET", "/events", 403, "Role required")
    with pytest.raises(Stopped) as caught, api.stream("/events", {}, None):
        pass
    assert caught.value.code is ExitCode.NOT_ALLOWED


class Silent(httpx.SyncByteStream):
    """Two words, then nothing for too long."""

    def __iter__(self):
        yield b"id: 1\n"
        raise httpx.ReadTimeout("x")


def test_a_stream_that_falls_silent_is_over(api, admin):
    admin.on_any("GET", "/events", lambda request: httpx.Response(200, stream=Silent()))
    with api.stream("/events", {}, 2.0) as lines:
        assert next(lines) == "id: 1"
        next(lines)
    assert admin.requests[0].extensions["timeout"]["read"] == 2.0


def test_a_stream_that_should_not_fall_silent(api, admin):
    admin.on_any("GET", "/events", lambda request: httpx.Response(200, stream=Silent()))
    with pytest.raises(Stopped, match="did not answer in time"), api.stream("/events", {}, None) as lines:
        list(lines)
    assert admin.requests[0].extensions["timeout"]["read"] == 5.0


def test_some_answers_take_longer(api, admin):
    admin.on("POST", "/x", {})
    api.post("/x", {}, 10.0)
    api.post("/x", {})
    assert [one.extensions["timeout"]["read"] for one in admin.requests] == [50.0, 5.0]


def test_segments():
    assert segment("GET /a/{b}?x") == "GET%20%2Fa%2F%7Bb%7D%3Fx"
