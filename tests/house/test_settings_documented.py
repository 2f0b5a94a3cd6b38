"""docs/settings.md says what the settings say: a setting without documentation fails here."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_gateway.settings.documentation import describe_settings
from brain_gateway.settings.markdown import settings_page
from brain_gateway.settings.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.mark.parametrize("about", describe_settings(), ids=lambda about: about.variable)
def test_every_setting_has_its_row(about):
    settings, _, _ = PAGE.read_text().partition("## Rules of the profiles")
    (row,) = [line for line in settings.splitlines() if line.startswith(f"| `{about.variable}` | ")]
    assert about.default in row
    assert about.description in row


def test_every_rule_has_its_row():
    page = PAGE.read_text()
    assert [rule.reason for rule in RULES if rule.reason not in page] == []


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == settings_page(), "run: brain-gateway settings --markdown > docs/settings.md"
