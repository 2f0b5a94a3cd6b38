"""docs/settings.md, made from the settings and the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from brain_gateway.settings.documentation import SettingDescription, describe_settings
from brain_gateway.settings.fields import Profile
from brain_gateway.settings.rules import RULES, Rule

_INTRODUCTION = """# Settings

The gateway reads its settings from environment variables. An empty variable counts as unset. Options of
`brain-gateway serve` (`--host`, `--port`, `--workers`, `--config`, `--profile`) win over their variables.
A wrong value stops the start with a line that names the variable, its value and what is allowed; all of
them are listed at once. `brain-gateway settings` shows the values in effect, secrets masked.

Durations are seconds (`30`) or carry units (`500ms`, `30s`, `1m30s`, `2h`, `1d`).

This page is made by `brain-gateway settings --markdown`; a test keeps it complete."""

_RULES = """## Rules of the profiles

What is checked over several settings, in which profile, and why. `refuse` stops the start, `warn` is
said once."""


def settings_page() -> str:
    """The whole page."""
    groups = groupby(describe_settings(), key=lambda about: about.group)
    sections = ["\n".join((f"## {group}", "", *_table(members))) for group, members in groups]
    return "\n\n".join((_INTRODUCTION, *sections, "\n".join((_RULES, "", *_rules())))) + "\n"


def _table(members: Iterator[SettingDescription]) -> Iterator[str]:
    yield "| variable | default | must be | meaning |"
    yield "|---|---|---|---|"
    for about in members:
        masked = f" Secret: {'its password is' if about.masks_password_only else 'it is'} shown as ****."
        meaning = about.description + (masked if about.secret else "")
        unit = f" {about.unit}" if about.unit and about.default[:1].isdigit() else ""
        yield _row(f"`{about.variable}`", f"{about.default}{unit}", about.allowed, meaning)


def _rules() -> Iterator[str]:
    yield "| variables | profile | effect | reason |"
    yield "|---|---|---|---|"
    for rule in RULES:
        yield _row(
            ", ".join(f"`{name}`" for name in rule.variables), _profiles(rule), rule.severity, rule.reason
        )


def _profiles(rule: Rule) -> str:
    return "both" if len(rule.profiles) == len(Profile) else ", ".join(sorted(rule.profiles))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
