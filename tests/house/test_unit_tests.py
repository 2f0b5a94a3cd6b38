"""Unit tests are near what they test, and stay in their process."""

from __future__ import annotations

import ast

import pytest

from tests.house.sources import ROOT, SRC, Function, Place, imported, python_files, tree

UNIT = ROOT / "tests" / "unit"
TESTS = [path for path in python_files("tests") if path.name.startswith("test_")]
UNIT_TESTS = [path for path in TESTS if path.is_relative_to(UNIT)]
SERVERS = frozenset(
    ("http.server", "socketserver", "socket.create_connection", "socket.create_server", "urllib.request", "requests",
     "asyncio.start_server", "asyncio.open_connection", "uvicorn.Server", "grpc", "websockets.sync.client")
)  # fmt: skip


def test_unit_tests_use_nothing_that_serves_or_connects():
    using = {str(path): used for path in UNIT_TESTS if (used := imported(path) & SERVERS)}
    assert using == {}


def test_unit_tests_are_refused_sockets():
    """The guard in tests/unit/conftest.py is there, for every test below."""
    guards = [
        node
        for node in ast.walk(tree(UNIT / "conftest.py"))
        if isinstance(node, Function) and any("autouse=True" in ast.unparse(by) for by in node.decorator_list)
    ]
    assert guards


NAMED_OTHERWISE = {"cli/test_app.py": "cli/__init__.py"}  # the command itself


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: str(path.relative_to(UNIT)))
def test_a_unit_test_is_called_after_what_it_tests(path):
    place = path.relative_to(UNIT)
    usual = place.with_name(place.name.removeprefix("test_"))
    tested = SRC / NAMED_OTHERWISE.get(str(place), usual)
    assert tested.exists() or tested.with_suffix("").is_dir()


def test_no_test_waits_for_a_stretch_of_time_to_pass_an_assertion():
    """`assert elapsed < 1` says something of the machine, not of the code."""
    timed = []
    for path in TESTS:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
                words = {name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)}
                if words & {"elapsed", "took", "duration_s", "seconds_passed"}:
                    timed.append(Place(path, node.lineno))
    assert timed == []
