"""Exit codes, and refusals as lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from brain_gateway.cli.remote.exits import ExitCode, Stopped, printable, refusal, told

ROOT = Path(__file__).parents[4]


def test_the_table_in_the_documentation():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", page, re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [(code.value, code.name) for code in ExitCode]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ExitCode.REFUSED),
        (401, ExitCode.NOT_ALLOWED),
        (403, ExitCode.NOT_ALLOWED),
        (404, ExitCode.REFUSED),
        (408, ExitCode.UNREACHABLE),
        (409, ExitCode.REFUSED),
        (412, ExitCode.CHANGED_MEANWHILE),
        (422, ExitCode.REFUSED),
        (429, ExitCode.UNREACHABLE),
        (500, ExitCode.UNREACHABLE),
        (503, ExitCode.UNREACHABLE),
    ],
)
def test_codes_by_status(status, code):
    assert refusal(status, {"title": "No", "detail": "because"}).code is code


def test_a_problem_in_one_line():
    stop = refusal(409, {"title": "Conflict", "detail": "it is there", "request_id": "r1"})
    assert (stop.line, stop.errors) == ("Conflict: it is there (request r1)", ())


def test_every_fault_has_its_line():
    problem = {"title": "Invalid document", "detail": "2 faults", "errors": ["a: is wrong", "b: too"]}
    stop = refusal(422, problem)
    assert (stop.line, stop.errors) == ("Invalid document: 2 faults", ("a: is wrong", "b: too"))


def test_a_fault_that_is_the_detail_is_told_once():
    stop = refusal(422, {"title": "Invalid document", "detail": "a: is wrong", "errors": ["a: is wrong"]})
    assert stop.line.count("a: is wrong") + len(stop.errors) == 1


def test_faults_with_pointers():
    problem = {
        "title": "Invalid document",
        "detail": "x",
        "errors": [{"pointer": "/a", "detail": "is wrong"}],
    }
    assert "/a: is wrong" in (refusal(422, problem).line, *refusal(422, problem).errors)


@pytest.mark.parametrize("body", [None, "text", [], {}, {"title": 5}, {"error": "x"}])
def test_what_is_no_problem_document(body):
    assert "not as a gateway does" in refusal(404, body).line


def test_a_stop_is_told(capsys):
    with pytest.raises(typer.Exit) as caught, told():
        raise Stopped(ExitCode.REFUSED, "no\x1b[31m", ["one\n", "two"])
    assert caught.value.exit_code == 1
    assert capsys.readouterr().err == "error: no [31m\n  one \n  two\n"


def test_printable():
    assert printable("a\tb\x07c\u202ed é") == "a b c d é"
