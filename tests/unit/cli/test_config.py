"""`brain-gateway config`: a summary, or every fault."""

from __future__ import annotations

import json

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
