"""Credentials that an operator hands over: from stdin, from a variable, or typed in where nobody sees them."""

from __future__ import annotations

import os
import re
import sys

import typer

from brain_gateway.cli.remote import screen
from brain_gateway.cli.remote.exits import ExitCode, Stopped

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def handed_credentials(fields: list[str]) -> dict[str, str]:
    """Values by field. A value that stands on the command line is refused: others see it there, and shells keep it."""
    if sum(field.endswith("=-") for field in fields) > 1:
        raise Stopped(ExitCode.REFUSED, "FIELD=-: one field alone can be read from stdin")
    names = [field.partition("=")[0] for field in fields]
    if len(set(names)) < len(names):
        raise Stopped(ExitCode.REFUSED, "a field is given twice")
    return dict(map(_handed, fields))


def _handed(text: str) -> tuple[str, str]:
    field, given, where = text.partition("=")
    if not _FIELD.fullmatch(field):
        raise Stopped(ExitCode.REFUSED, "FIELD: write the name of a field, such as secret_key=-")
    if where.startswith("@"):
        return field, _variable(field, where[1:])
    if where == "-":
        return field, sys.stdin.read().removesuffix("\n")
    if given:
        told = (
            f"{field}: others see a value on the command line; write {field}, {field}=- or {field}=@VARIABLE"
        )
        raise Stopped(ExitCode.REFUSED, told)
    if screen.is_terminal(sys.stdin):
        return field, str(typer.prompt(field, hide_input=True, err=True))
    return field, sys.stdin.readline().removesuffix("\n")


def _variable(field: str, name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise Stopped(ExitCode.REFUSED, f"{field}: there is no variable of that name")
    return value
