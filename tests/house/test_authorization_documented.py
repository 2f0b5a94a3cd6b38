"""docs/authorization.md is what the bus decides by."""

from __future__ import annotations

import subprocess
import sys

from brain_gateway.application.authorization import RULES
from tests.house.sources import DOCS, ROOT, text


def test_the_page_is_up_to_date():
    script = ROOT / "scripts" / "authorization_page.py"
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert text(DOCS / "authorization.md") == made.stdout, "run: make docs"


def test_every_action_has_a_row():
    page = text(DOCS / "authorization.md")
    assert [action for action in RULES if f"| `{action}` |" not in page] == []
