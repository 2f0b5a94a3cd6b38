"""A server has structlog without rich; who wants rich still gets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULE = "brain_gateway.infrastructure.telemetry.plain_structlog"


def printed(code):
    """By a new interpreter: what this one has imported is of no interest."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", [MODULE, "brain_gateway.main"])
def test_rich_is_not_imported_with_it(module):
    code = f"import sys, {module}; print('structlog.dev' in sys.modules, 'rich' in sys.modules)"
    assert printed(code) == "True False"


def test_rich_can_be_imported_after_it():
    assert printed(f"import sys, {MODULE}; import rich.console; print(rich.__name__)") == "rich"


def test_rich_stays_where_it_is_already():
    code = f"import rich, sys, {MODULE}, structlog; print(sys.modules['rich'] is rich, structlog.dev.rich is rich)"
    assert printed(code) == "True True"


def test_a_traceback_is_rendered_all_the_same():
    code = f"from {MODULE} import structlog; print(structlog.dev.default_exception_formatter.__name__)"
    assert printed(code) == "plain_traceback"
