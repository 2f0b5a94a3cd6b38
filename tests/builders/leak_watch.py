"""Fails a run in whose output a planted secret is found: what tests print and log, and the log files of processes.

A plugin: tests/conftest.py loads it. Failed assertions may show values; such a run has failed already.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.planted import MARKER

LOGS = ("*.log", "*.out")


class LeakWatch:
    """What was found, in order."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Captured stdout, stderr and log records of each phase of a test."""
        for name, text in report.sections:
            if MARKER in text:
                self.found[f"{report.nodeid}: {name}"] = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """The log files below the run's temporary directory, before it is cleared."""
        factory = getattr(session.config, "_tmp_path_factory", None)
        folder = getattr(factory, "_basetemp", None)
        if folder is not None:
            self.found.update(dict.fromkeys(map(str, files_with_secrets(folder))))
        if self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where to look."""
        if self.found:
            terminalreporter.section("planted secrets in the output", red=True)
            for place in self.found:
                terminalreporter.line(place)


def files_with_secrets(folder: Path) -> Iterator[Path]:
    """Log files that hold the marker."""
    for pattern in LOGS:
        for file in sorted(folder.rglob(pattern)):
            if file.is_file() and MARKER.encode() in file.read_bytes():
                yield file


def pytest_configure(config: pytest.Config) -> None:
    """Watch this run."""
    config.pluginmanager.register(LeakWatch(), "leak-watch")
