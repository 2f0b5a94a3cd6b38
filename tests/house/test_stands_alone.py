"""The project names no registry's host, no path of somebody's machine, and nothing that lies outside of it."""

from __future__ import annotations

import re

import pytest

from tests.house.sources import ROOT, Place, text, tracked

# One character of each in brackets, so that this file does not name what it looks for.
FOREIGN = re.compile(
    r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|npmjs[.]org|deb[.]debian[.]org|crates[.]io|proxy[.]golang"
    r"|/wor[k]/|/far[m]/|/tmp/bash_job[s]|/hom[e]/\w|/roo[t]/|[.][.]/share[d]\b"
)
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{100}|\bgh[po]_[A-Za-z0-9]{30}|\bAKIA[0-9A-Z]{16}\b"
)
BINARY = frozenset((".png", ".jpg", ".ico", ".gz", ".db"))


def _texts():
    return [path for path in tracked() if path.suffix not in BINARY]


def test_nothing_foreign_is_named():
    named = [
        Place(path, number, line.strip()[:120])
        for path in _texts()
        for number, line in enumerate(text(path).splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert named == []


def test_no_secret_is_kept():
    assert [path for path in _texts() if SECRET.search(text(path))] == []


@pytest.mark.parametrize("name", ["constraints.txt", "examples/platform/requirements.txt"])
def test_pins_are_pins_and_say_nothing_of_where_they_come_from(name):
    pin = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][\w.+]*( ; [\w.<>=!' ()]+)?")
    lines = text(ROOT / name).splitlines()
    assert lines
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_whatever_is_asked_for_is_pinned():
    import tomllib

    project = tomllib.loads(text(ROOT / "pyproject.toml"))
    asked = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
    ]
    names = {re.split(r"[\[<>=~! ;]", one)[0].lower().replace("_", "-") for one in asked}
    pinned = {line.partition("==")[0] for line in text(ROOT / "constraints.txt").splitlines()}
    assert names - pinned == set(), "run: make constraints"
