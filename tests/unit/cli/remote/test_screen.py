"""What is shown to people, to pipes and to programs."""

from __future__ import annotations

import json
import sys

import pytest

from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.screen import Column, Screen, confirm, shown

COLUMNS = (Column("name"), Column("size", lambda document: len(document["name"])), Column("id"))
ROWS = [{"name": "one", "id": "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"}, {"name": "a\tb\x1b[2J", "id": None}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        (["a", "b"], "a, b"),
        ({"requests": 5, "window": 60}, "requests=5 window=60"),
        ("x\ny", "x y"),
    ],
)
def test_values(value, text):
    assert shown(value) == text


def test_a_pipe_gets_lines_of_cells(capsys):
    Screen().rows(ROWS, COLUMNS)
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines == [["name", "size", "id"], ["one", "3", ROWS[0]["id"]], ["a b [2J", "7", "-"]]


@pytest.mark.parametrize("columns", ["40", "200"])
def test_a_terminal_gets_a_table_whose_ids_are_whole(capsys, monkeypatch, terminal, columns):
    monkeypatch.setenv("COLUMNS", columns)
    Screen().rows(ROWS, COLUMNS)
    output = capsys.readouterr().out
    assert "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a" in output
    assert "\x1b[2J" not in output


def test_an_empty_table(capsys, terminal):
    Screen().rows([], COLUMNS)
    assert "name" in capsys.readouterr().out


def test_documents(capsys):
    document = {"name": "é", "targets": [{"url": "http://a:1"}]}
    Screen().document(document)
    assert capsys.readouterr().out.startswith("name: é\n")
    Screen(as_json=True).document(document)
    output = capsys.readouterr().out
    assert json.loads(output) == document
    assert "é" in output


def test_what_was_done(capsys):
    Screen().done("service x registered", {"id": 1})
    Screen(as_json=True).done("service x registered", {"id": 1})
    Screen(as_json=True).done("service x removed")
    assert capsys.readouterr().out == 'service x registered\n{\n  "id": 1\n}\n'


def test_yes_is_yes():
    confirm("Remove?", True)


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(Stopped) as caught:
        confirm("Remove?", False)
    assert (caught.value.code, "--yes" in caught.value.line) == (ExitCode.REFUSED, True)


@pytest.mark.parametrize(("said", "goes_on"), [(True, True), (False, False)])
def test_a_terminal_is_asked(monkeypatch, terminal, said, goes_on):
    monkeypatch.setattr("typer.confirm", lambda question, err: said)
    if goes_on:
        confirm("Remove?", False)
    else:
        with pytest.raises(Stopped):
            confirm("Remove?", False)
