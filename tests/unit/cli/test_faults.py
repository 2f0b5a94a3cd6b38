"""Faults end a command as a list."""

from __future__ import annotations

import pytest
import typer

from brain_gateway.cli.faults import faults_on_stderr, print_warnings
from brain_gateway.domain.errors import ConfigurationError


def test_one_line_per_fault_and_the_exit_code(capsys):
    with pytest.raises(typer.Exit) as caught, faults_on_stderr(7):
        raise ConfigurationError(faults=("a", "b"))
    assert caught.value.exit_code == 7
    assert capsys.readouterr() == ("", "2 faults:\n  a\n  b\n")


def test_one_fault(capsys):
    with pytest.raises(typer.Exit), faults_on_stderr():
        raise ConfigurationError("a")
    assert capsys.readouterr().err == "1 fault:\n  a\n"


def test_other_errors_pass():
    with pytest.raises(KeyError), faults_on_stderr():
        raise KeyError


def test_warnings(capsys):
    print_warnings(("a",))
    assert capsys.readouterr().err == "warning: a\n"
