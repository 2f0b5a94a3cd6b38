"""A run in whose output a planted secret is found does not pass."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.builders.planted import MARKER
from tests.house.sources import ROOT

TEST = """
import logging, os, subprocess, sys, pytest
from tests.builders.planted import MARKER
{fixture}
def test_one({argument}):
    {line}
"""


def run(folder, line: str, argument: str = "", fixture: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(TEST.format(line=line, argument=argument, fixture=fixture))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.builders.leak_watch", "-c", "/dev/null"]
    options = ["--rootdir", folder, "--basetemp", folder / "tmp", folder]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    shutil.rmtree(folder / "tmp", ignore_errors=True)  # or the outer run would find it too
    return done


@pytest.mark.parametrize(
    ("line", "argument", "place"),
    [
        ("print(MARKER)", "", "Captured stdout call"),
        ("print('a', MARKER, file=sys.stderr)", "", "Captured stderr call"),
        ("logging.getLogger('x').warning('a %s b', MARKER)", "", "Captured log call"),
        ("(tmp_path / 'gateway.log').write_text('a ' + MARKER)", "tmp_path", "gateway.log"),
        ("(tmp_path / 'bao.out').write_text('a ' + MARKER)", "tmp_path", "bao.out"),
    ],
)
def test_it_is_found_wherever_it_comes_out(tmp_path, line, argument, place):
    done = run(tmp_path, line, argument)
    assert done.returncode == 1
    assert "planted secrets in the output" in done.stdout
    assert place in done.stdout


def test_it_is_found_in_what_fixtures_leave_behind(tmp_path):
    fixture = "@pytest.fixture(scope='session')\ndef after():\n    yield\n    print(MARKER)"
    done = run(tmp_path, "pass", "after", fixture)
    assert done.returncode == 1
    assert "Captured stdout teardown" in done.stdout


def test_a_run_that_keeps_its_secrets_passes(tmp_path):
    done = run(tmp_path, "(tmp_path / 'a.log').write_text('fine'); print(len(MARKER))", "tmp_path")
    assert (done.returncode, MARKER in done.stdout) == (0, False)


def test_this_run_is_watched(request):
    assert request.config.pluginmanager.has_plugin("leak-watch")
