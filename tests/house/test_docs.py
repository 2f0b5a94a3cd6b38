"""The documentation is complete and names nothing that does not exist."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brain_gateway.api.problems import PROBLEMS, fault_of, slug
from brain_gateway.domain.errors import CallerError, GatewayError, GatewayFault, UpstreamFault
from brain_gateway.infrastructure.configuration.loader import parse_configuration
from tests.house.sources import DOCS, ROOT, SRC, text, tracked

PAGES = [path for path in tracked() if path.suffix == ".md"]
NOT_YET = "not yet"


def _leaves(kind: type[GatewayError]) -> list[type[GatewayError]]:
    below = kind.__subclasses__()
    return [leaf for one in below for leaf in _leaves(one)] if below else [kind]


LEAVES = [leaf for kind in (CallerError, GatewayFault, UpstreamFault) for leaf in _leaves(kind)]


def _section(name: str) -> str:
    """What docs/errors.md says under one heading."""
    _, _, after = text(DOCS / "errors.md").partition(f"\n### {name}\n")
    return re.split(r"\n##+ ", after)[0]


@pytest.mark.parametrize("error", LEAVES, ids=slug)
def test_every_error_says_status_fault_meaning_and_what_to_do(error):
    problem, entry = PROBLEMS[error], _section(slug(error))
    assert f"**{problem.status} {problem.title}.**" in entry
    assert problem.advice in entry
    assert " ".join((inspect.getdoc(error) or "?").split()) in " ".join(entry.split())
    assert f"| {problem.status} | [{slug(error)}](#{slug(error)}) | {fault_of(error())} |" in text(
        DOCS / "errors.md"
    )


def test_the_page_of_errors_is_up_to_date():
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "errors_page.py"], capture_output=True, text=True, check=True
    )
    assert text(DOCS / "errors.md") == made.stdout, "run: make docs"


def test_every_kind_of_error_has_a_row():
    assert set(LEAVES) == set(PROBLEMS)


# Coverage

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in text(DOCS / "coverage.md").splitlines()
    if line.startswith("| ") and not line.startswith("| promise")
]


def _found(name: str) -> bool:
    return any((base / name).exists() for base in (ROOT, SRC, ROOT / "tests"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:50])
def test_every_promise_has_a_file_and_a_test_or_is_not_there_yet(row):
    _, where, test = row
    assert (where == NOT_YET) == (test == NOT_YET)
    for cell in (where, test):
        names = re.findall(r"`([^`]+)`", cell)
        assert names or cell == NOT_YET
        assert [name for name in names if not _found(name)] == []


def test_the_platforms_services_and_variables_are_among_the_promises():
    page = text(DOCS / "coverage.md")
    services = re.findall(r"^  ([a-z-]+):$", text(SRC / "catalogue" / "services.yaml"), re.MULTILINE)
    assert len(services) == 13
    assert [name for name in services if name not in page] == []


# Decisions


def _decisions() -> list[Path]:
    return sorted(path for path in PAGES if path.parent == DOCS / "decisions" and path.name != "README.md")


def test_decisions_are_numbered_without_gaps_and_listed():
    names = [path.name for path in _decisions()]
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", text(DOCS / "decisions" / "README.md")) == names


@pytest.mark.parametrize("path", _decisions(), ids=lambda path: path.stem)
def test_a_decision_says_why_what_and_what_follows(path):
    assert text(path).startswith(f"# {path.name[:4]}: ")
    headings = re.findall(r"^## (.+)$", text(path), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences", "Alternatives"]


# What pages name


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", text(ROOT / "Makefile"), re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_make_exist(path):
    named = set(re.findall(r"(?:`|\$ |^)(?:\w+=\S+ )?make ([a-z-]+)", text(path), re.MULTILINE))
    assert named - _targets() == set()


def test_the_readme_begins_with_the_two_commands():
    first = text(ROOT / "README.md").split("```")[1]
    assert re.findall(r"^make (\w+)", first, re.MULTILINE) == ["run", "test"]


def test_make_help_names_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE)) == _targets()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_the_gateway_exist(path):
    from brain_gateway.cli.commands import NAMES

    named = set(re.findall(r"brain-gateway ((?!is\b)[a-z]+)\b(?=[^.]*`|$| --)", text(path), re.MULTILINE))
    assert named <= set(NAMES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text(path)):
        place, _, anchor = target.partition("#")
        if "://" in place:
            continue
        page = (path.parent / place) if place else path
        headings = (
            {
                re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
            }
            if anchor and page.suffix == ".md" and page.exists()
            else {anchor}
        )
        if not page.exists() or anchor not in headings:
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/middleware-order.md"])
def test_what_is_named_in_code_exists(name):
    sources = "\n".join(text(path) for path in tracked() if path.suffix == ".py" and path.is_relative_to(SRC))
    files = {path.name for path in tracked()}
    missing = []
    for token in re.findall(r"`([^`\s]+)`", text(ROOT / name)):
        if re.fullmatch(r"[\w/.-]+\.(py|yaml|json|txt)", token):
            if Path(token).name not in files | {"gateway.yaml", "openapi.json"}:
                missing.append(token)
        elif re.fullmatch(r"[A-Z][A-Za-z]+\.\w+", token):
            kind, _, member = token.partition(".")
            if not re.search(rf"^class {kind}\b", sources, re.MULTILINE) or not re.search(
                rf"\b{member}\b", sources
            ):
                missing.append(token)
        elif re.fullmatch(r"_?[a-z]+(_[a-z]+)+|[A-Z][a-z]+[A-Z]\w+", token) and token not in sources:
            missing.append(token)
    assert missing == []


# Examples that must load


def _blocks(language: str) -> list[tuple[Path, str]]:
    return [
        (path, block)
        for path in PAGES
        if path.is_relative_to(DOCS) or path.parent == ROOT
        for block in re.findall(rf"```{language}\n(.*?)```", text(path), re.DOTALL)
    ]


@pytest.mark.parametrize(("path", "block"), _blocks("yaml"), ids=lambda value: getattr(value, "name", ""))
def test_configurations_load(path, block):
    assert parse_configuration(block, file=path.name).services


@pytest.mark.parametrize(("path", "block"), _blocks("sh"), ids=lambda value: getattr(value, "name", ""))
def test_shell_lines_parse(path, block):
    subprocess.run(["bash", "-n"], input=block, text=True, check=True, capture_output=True)


def test_every_key_of_the_configuration_file_is_explained():
    schema = json.loads(text(SRC / "catalogue" / "gateway.schema.json"))
    page = text(DOCS / "configuration.md")
    assert {key for key in _keys(schema) if not re.search(rf"\b{key}\b", page)} == set()


def _keys(schema: object) -> set[str]:
    if isinstance(schema, list):
        return {key for one in schema for key in _keys(one)}
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*(_keys(value) for value in schema.values()))


def test_settings_that_pages_name_exist():
    from brain_gateway.cli.remote.exits import ExitCode
    from brain_gateway.settings.documentation import describe_settings
    from brain_gateway.settings.spelling import CLIENT_VARIABLES

    known = {about.variable for about in describe_settings()} | set(os.environ)
    known |= {
        "ARGS",
        "PYTHON",
        "GW",
        "JSON",
        "TOKEN",
        "AUTH",
        "PID",
        "FILE",
        "NAME",
        "HYPOTHESIS_PROFILE",
        "REPORTS_URL",
        *CLIENT_VARIABLES,
        *(code.name for code in ExitCode),
    }
    named = {
        word
        for path in PAGES
        if path.is_relative_to(DOCS) or path.parent == ROOT
        for word in re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text(path))
    }
    assert named - known == set()
