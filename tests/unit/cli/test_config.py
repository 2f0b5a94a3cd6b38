"""`brain-gateway config`: a summary, or every fault."""

from __future__ import annotations

import json

import pytest
import yaml

from brain_gateway.infrastructure.configuration import schema_text

NO_ADDRESS = "has no address: give it targets, or the port that the host template asks for"
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


def test_a_good_file(run, tmp_path):
    (tmp_path / "gateway.yaml").write_text(
        'services: {x: {targets: ["${UP}"], routes: [{path: /a}]}}\n'
        f"tenants: {{{TENANT}: {{name: Demo}}}}\n"
    )
    result = run("config", "check", "gateway.yaml", UP="http://127.0.0.1:9000")
    assert result.exit_code == 0
    assert result.stdout == "gateway.yaml: OK, 14 services (12 exposed), 4 routes, 1 tenant, 0 API keys\n"


def test_every_fault_of_a_bad_file(run, tmp_path):
    (tmp_path / "gateway.yaml").write_text("services:\n  x: {prot: 1}\n  y: {port: x}\n")
    result = run("config", "check", "gateway.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "3 faults:",
        f"  gateway.yaml:2: services.x: {NO_ADDRESS}",
        "  gateway.yaml:2: services.x.prot: is not a known key; did you mean port?",
        '  gateway.yaml:3: services.y.port: must be a whole number, not "x"',
    ]


def test_an_absent_file(run):
    result = run("config", "check", "absent.yaml")
    assert result.exit_code == 1
    assert "absent.yaml: cannot be read" in result.stderr


def test_settings_do_not_matter(run, tmp_path):
    (tmp_path / "gateway.yaml").touch()
    assert (
        run("config", "check", "gateway.yaml", LOG_LEVEL="loud", BRAIN_GATEWAY_PROFILE="production").exit_code
        == 0
    )
    assert run("config", "check", "gateway.yaml", "--profile", "staging").exit_code == 2


def test_schema(run):
    output = run("config", "schema").stdout
    assert output == schema_text()
    assert json.loads(output)["type"] == "object"


# Against a running gateway

BARE = "packaged_services: false\nservices: {x: {targets: [http://a:1]}}\n"
DOCUMENT = {"packaged_services": False, "services": {"x": {"targets": [{"url": "http://a:1"}]}}}
NOTHING = {"base": 7, "summary": {"unchanged": 1}, "changes": []}
SOMETHING = {
    "base": 7,
    "summary": {"create": 1, "unchanged": 0},
    "changes": [{"step": "create", "kind": "service", "key": "x", "before": None, "after": {}}],
}
TAKEN = {
    "base": 7,
    "summary": {"conflict": 1, "unchanged": 0},
    "changes": [{"step": "conflict", "kind": "service", "key": "x", "owner": "other"}],
}


@pytest.fixture
def planned(admin, tmp_path):
    """A file, and a gateway that answers with this plan."""
    (tmp_path / "gateway.yaml").write_text(BARE)

    def answer(plan):
        admin.on("POST", "/config/plan", plan)
        return admin

    return answer


@pytest.mark.parametrize(("plan", "code"), [(NOTHING, 0), (SOMETHING, 2), (TAKEN, 2)])
def test_diff(run, planned, plan, code):
    admin = planned(plan)
    result = run("config", "diff", "gateway.yaml", "--no-prune")
    assert result.exit_code == code
    assert admin.sent("POST") == {
        "document": DOCUMENT,
        "owner": "gateway",
        "prune": False,
        "take_over": False,
    }
    assert json.loads(run("config", "diff", "gateway.yaml", "--json").stdout) == plan


@pytest.mark.parametrize(
    "arguments", [(), ("gateway.yaml", "--ownr", "x"), ("gateway.yaml", "--timeout", "long")]
)
def test_a_wrong_diff_is_no_difference(run, planned, arguments):
    planned(NOTHING)
    assert run("config", "diff", *arguments).exit_code == 1


@pytest.mark.parametrize("command", ["diff", "apply"])
def test_a_faulty_file_goes_nowhere(run, admin, tmp_path, command):
    (tmp_path / "gateway.yaml").write_text("services:\n  x: {prot: 1}\n")
    result = run("config", command, "gateway.yaml")
    assert (result.exit_code, admin.asked) == (1, [])
    assert "gateway.yaml:2: services.x.prot: is not a known key; did you mean port?" in result.stderr


def test_apply_does_what_was_shown(run, planned):
    admin = planned(SOMETHING)
    admin.on("POST", "/config/apply", {**SOMETHING, "version": 8})
    result = run("config", "apply", "gateway.yaml", "--owner", "eu", "--take-over", "--yes")
    assert result.stdout.splitlines() == [
        "+ service x",
        "1 to create; 0 unchanged",
        "applied: 1 to create; 0 unchanged; configuration version 8",
    ]
    assert admin.sent("POST") == {
        "document": DOCUMENT,
        "owner": "eu",
        "prune": True,
        "take_over": True,
        "base": 7,
    }


def test_apply_asks(run, planned, terminal, monkeypatch):
    admin = planned(SOMETHING)
    monkeypatch.setattr("typer.confirm", lambda question, err: False)
    assert run("config", "apply", "gateway.yaml").exit_code == 1
    assert admin.asked == ["POST /config/plan"]


def test_apply_without_a_terminal_needs_yes(run, planned):
    admin = planned(SOMETHING)
    result = run("config", "apply", "gateway.yaml")
    assert (result.exit_code, admin.asked) == (1, ["POST /config/plan"])
    assert "--yes" in result.stderr


def test_a_dry_run(run, planned):
    admin = planned(SOMETHING)
    result = run("config", "apply", "gateway.yaml", "--dry-run")
    assert (result.exit_code, admin.asked) == (0, ["POST /config/plan"])
    assert "+ service x" in result.stdout


def test_nothing_to_apply(run, planned):
    admin = planned(NOTHING)
    result = run("config", "apply", "gateway.yaml")
    assert (result.exit_code, result.stdout) == (0, "nothing to do; 1 unchanged\n")
    assert json.loads(run("config", "apply", "gateway.yaml", "--json").stdout) == NOTHING
    assert admin.asked == ["POST /config/plan"] * 2


def test_what_another_file_declares(run, planned):
    admin = planned(TAKEN)
    result = run("config", "apply", "gateway.yaml", "--yes")
    assert (result.exit_code, admin.asked) == (1, ["POST /config/plan"])
    assert "service x is declared by other" in result.stderr


def test_somebody_was_faster(run, planned):
    admin = planned(SOMETHING)
    admin.refuse("POST", "/config/apply", 412, "Precondition failed", "it has version 8 by now: plan again")
    result = run("config", "apply", "gateway.yaml", "--yes")
    assert result.exit_code == 5
    assert "plan again" in result.stderr


def test_apply_as_json(run, planned):
    planned(SOMETHING).on("POST", "/config/apply", {**SOMETHING, "version": 8})
    assert json.loads(run("config", "apply", "gateway.yaml", "--yes", "--json").stdout)["version"] == 8


def test_export(run, admin, tmp_path):
    admin.on("GET", "/config", DOCUMENT)
    assert yaml.safe_load(run("config", "export", "--owner", "eu").stdout) == DOCUMENT
    assert admin.asked == ["GET /config?owner=eu"]
    assert json.loads(run("config", "export", "--format", "json").stdout) == DOCUMENT
    assert json.loads(run("config", "export", "--json").stdout) == DOCUMENT
    assert run("config", "export", "-o", "out.yaml").stdout == ""
    assert yaml.safe_load((tmp_path / "out.yaml").read_text()) == DOCUMENT
    assert run("config", "export", "-o", "absent/out.yaml").exit_code == 1
