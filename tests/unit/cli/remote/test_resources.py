"""Lists, names and removals, as all commands have them."""

from __future__ import annotations

import json

import httpx
import pytest

from brain_gateway.cli.remote.api import Api
from brain_gateway.cli.remote.connection import Remote
from brain_gateway.cli.remote.exits import Stopped
from brain_gateway.cli.remote.resources import below, count, given, listing, part_of, removal, service_of
from brain_gateway.cli.remote.screen import Column, Screen
from tests.fakes.scripted_api import ScriptedApi

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
SERVICE = {"id": ID, "name": "reports"}
COLUMNS = (Column("name"), count("targets"))


@pytest.fixture
def admin():
    return ScriptedApi()


@pytest.fixture
def remote(admin):
    with httpx.Client(base_url="http://gw", transport=httpx.MockTransport(admin)) as http:
        yield Remote(Api(http, "run", lambda seconds: None), Screen())


def test_a_page_says_that_there_are_more(remote, admin, capsys):
    admin.on("GET", "/services", {"items": [{"name": "a", "targets": [1, 2]}], "next": "c"})
    listing(remote, "/services", COLUMNS, limit=1, tenant=None)
    output = capsys.readouterr()
    assert output.out == "name\ttargets\na\t2\n"
    assert "--all" in output.err
    assert admin.asked == ["GET /services?limit=1"]


def test_all_pages(remote, admin, capsys):
    admin.on("GET", "/services", {"items": [{"name": "a"}], "next": "c"})
    admin.on("GET", "/services", {"items": [{"name": "b"}]})
    listing(remote, "/services", COLUMNS, True, limit=1)
    assert capsys.readouterr().out == "name\ttargets\na\t0\nb\t0\n"


def test_json_is_what_the_gateway_answered(remote, admin, capsys):
    page = {"items": [{"name": "a", "more": {"x": [1]}}], "next": "c"}
    admin.on("GET", "/services", page)
    listing(Remote(remote.api, Screen(as_json=True)), "/services", COLUMNS)
    output = capsys.readouterr()
    assert (json.loads(output.out), output.err) == (page, "")


@pytest.mark.parametrize(
    ("name", "path"),
    [("reports", "/services/name%3Areports"), (ID, f"/services/{ID}"), ("a/b", "/services/name%3Aa%2Fb")],
)
def test_services_by_name_and_id(remote, admin, name, path):
    admin.on("GET", path, SERVICE, ETag='"1"')
    assert service_of(remote, name, "t").etag == '"1"'
    assert admin.asked == [f"GET {path}?tenant=t"]


def test_paths_below_a_service():
    assert below(SERVICE, "routes", "a/b") == f"/services/{ID}/routes/a%2Fb"


TARGETS = [{"id": "t1", "url": "http://a:1"}, {"id": "t2", "url": "http://b:1", "also": "http://a:1"}]


@pytest.mark.parametrize(("wanted", "found"), [("http://a:1", "t1"), ("t2", "t2")])
def test_parts_by_name_and_id(remote, admin, wanted, found):
    admin.on("GET", f"/services/{ID}/targets", {"items": TARGETS})
    assert part_of(remote, SERVICE, "targets", wanted, lambda one: [one["url"]], None)["id"] == found


@pytest.mark.parametrize(
    ("wanted", "said"), [("http://c:1", "that of none"), ("http://a:1", "that of several")]
)
def test_parts_that_cannot_be_told(remote, admin, wanted, said):
    admin.on("GET", f"/services/{ID}/targets", {"items": TARGETS})
    with pytest.raises(Stopped, match=said) as caught:
        part_of(remote, SERVICE, "targets", wanted, lambda one: [one["url"], one.get("also", "")], None)
    assert "http://a:1" in caught.value.line


def test_a_service_without_parts(remote, admin):
    admin.on("GET", f"/services/{ID}/targets", {"items": []})
    with pytest.raises(Stopped, match="that of none of the targets of reports: none"):
        part_of(remote, SERVICE, "targets", "x", lambda one: [one["url"]], None)


def test_nothing_is_removed_unless_somebody_says_so(remote, admin):
    with pytest.raises(Stopped, match="--yes"):
        removal(remote, "/x", "it", False)
    assert admin.asked == []


def test_a_removal_is_of_what_was_read(remote, admin, capsys):
    admin.on("DELETE", "/x", status=204)
    removal(remote, "/x", "it", True, '"7"', tenant="t")
    assert (admin.asked, admin.requests[0].headers["If-Match"]) == (["DELETE /x?tenant=t"], '"7"')
    assert capsys.readouterr().out == "it removed\n"


def test_what_was_given():
    assert given(a=None, b=[], c=0, d="x", e=False) == {"c": 0, "d": "x", "e": False}
