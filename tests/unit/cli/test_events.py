"""`brain-gateway events`."""

from __future__ import annotations

import json

import httpx

from brain_gateway.cli.events import Event, parsed

STREAM = b"""\
: hello

id: 7
event: ServiceRegistered
data: {"occurred_at": "2026-01-01T00:00:00Z", "service": "reports", "tenant": null}

retry: 5

id: 8
event: TargetAdded
data: {"occurred_at": "2026-01-01T00:00:01Z",
data: "service": "re\\u001bports"}

"""


def test_the_grammar_of_streams():
    lines = [
        "id:1",
        "data: {",
        'data:"a": 1}',
        "",
        "event: x",
        "",
        ": comment",
        "id: 2",
        "data: {}",
        "",
        "data: {}",
    ]
    assert list(parsed(lines)) == [Event("1", "message", {"a": 1}), Event("2", "message", {})]


def test_what_happened(run, admin):
    admin.on_any("GET", "/events", httpx.Response(200, content=STREAM))
    result = run("events", "--after", "6")
    assert result.stdout == (
        "2026-01-01T00:00:00Z ServiceRegistered service=reports\n"
        "2026-01-01T00:00:01Z TargetAdded service=re ports\n"
    )
    assert admin.requests[0].headers["Last-Event-ID"] == "6"


def test_one_document_a_line(run, admin):
    admin.on_any("GET", "/events", httpx.Response(200, content=STREAM))
    documents = [json.loads(line) for line in run("events", "--json").stdout.splitlines()]
    assert [(one["id"], one["type"]) for one in documents] == [
        ("7", "ServiceRegistered"),
        ("8", "TargetAdded"),
    ]


def test_following_goes_on_where_it_was_cut_off(run, admin):
    admin.on_any("GET", "/events", httpx.Response(200, content=STREAM))
    admin.refuse("GET", "/events", 503, "Store unavailable")
    result = run("events", "--follow")
    assert result.exit_code == 3
    assert [one.headers.get("Last-Event-ID") for one in admin.requests[:2]] == [None, "8"]


def test_types(run, admin):
    admin.on_any("GET", "/events", httpx.Response(200, content=b""))
    run("events", "--type", "TargetAdded", "--type", "RouteUpdated")
    assert admin.asked == ["GET /events?types=TargetAdded%2CRouteUpdated"]
    assert admin.requests[0].headers["Last-Event-ID"] == "0"


def test_whoever_follows_stops_when_they_like(run, admin):
    admin.on_any("GET", "/events", httpx.Response(200, content=STREAM), KeyboardInterrupt())
    result = run("events", "--follow")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
