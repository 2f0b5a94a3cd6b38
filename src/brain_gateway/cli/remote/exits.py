"""How commands end: the exit codes of docs/cli.md, and errors as lines on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, cast

import typer
from typer.core import TyperCommand


class ExitCode(IntEnum):
    """What a script may rely on."""

    DONE = 0
    REFUSED = 1
    CHANGES = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    CHANGED_MEANWHILE = 5
    BROKEN_CHAIN = 6


_WRONG_OPTIONS = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""Whatever is wrong with a command line; typer exports it under no name of its own."""


class Stopped(Exception):  # noqa: N818 - named after what happened, as those of the domain are
    """Ends the command: one line on stderr, one more for each of `errors`, and the exit code."""

    def __init__(self, code: ExitCode, line: str, errors: Sequence[str] = ()) -> None:
        super().__init__(line)
        self.code = code
        self.line = line
        self.errors = tuple(errors)


_BY_STATUS = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    408: ExitCode.UNREACHABLE,
    412: ExitCode.CHANGED_MEANWHILE,
    429: ExitCode.UNREACHABLE,
}
"""Every other 4xx: REFUSED; 5xx: UNREACHABLE."""


def refusal(status: int, problem: object) -> Stopped:
    """An answer of the gateway that is no success; `problem` is its body, a problem document (RFC 9457) or not."""
    code = _BY_STATUS.get(status, ExitCode.UNREACHABLE if status >= 500 else ExitCode.REFUSED)
    if not isinstance(problem, Mapping) or not isinstance(problem.get("title"), str):
        return Stopped(code, f"the gateway answered {status}, and not as a gateway does: check the address")
    errors, detail = problem.get("errors"), problem.get("detail")
    faults = [_fault(one) for one in errors] if isinstance(errors, list) else []
    repeats = all(fault in str(detail) for fault in faults)
    said = f": {detail}" if detail and not (repeats and len(faults) > 1) else ""
    about = f" (request {problem['request_id']})" if problem.get("request_id") else ""
    return Stopped(code, f"{problem['title']}{said}{about}", faults if not repeats or len(faults) > 1 else ())


def _fault(error: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if isinstance(error, Mapping):
        return ": ".join(str(error[key]) for key in ("pointer", "detail") if key in error)
    return str(error)


class Unambiguous(TyperCommand):
    """A command whose exit code 2 means one thing: wrong options end it with REFUSED."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - of typer's own copy of click
        """The context of one call."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except _WRONG_OPTIONS as error:
            error.show()
            raise typer.Exit(ExitCode.REFUSED) from None


@contextmanager
def told() -> Iterator[None]:
    """Tells of a Stopped that is raised inside, and ends the command with its code."""
    try:
        yield
    except Stopped as stop:
        typer.echo(f"error: {printable(stop.line)}", err=True)
        for line in stop.errors:
            typer.echo(f"  {printable(line)}", err=True)
        raise typer.Exit(stop.code) from None


def printable(text: str) -> str:
    """`text` without what moves the cursor or colours the terminal: it may come from elsewhere."""
    return "".join(character if character.isprintable() else " " for character in text)
