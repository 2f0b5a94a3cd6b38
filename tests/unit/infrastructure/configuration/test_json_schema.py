"""The published schema: equal to the models, and agreeing with the loader."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
import yaml
from jsonschema import Draft202012Validator

from brain_gateway.infrastructure.configuration.json_schema import DIALECT, gateway_schema, schema_text

VALID = """
packaged_services: "${PACKAGED:-true}"
host_template: "http://{name}.internal:{port}"
limits: {default: {requests: 100, window: 60}, public: {requests: "${N}", window: 1m}}
services:
  redis: null
  ai-agents:
    kind: ai
    port: "${PORT:-8008}"
    prefix: "${PREFIX}"
    targets: ["${BENCH_UPSTREAM}", {url: "http://127.0.0.1:9001", weight: 2}]
    limit: {requests: 1, window: 500ms, burst: 1}
    balancer: {strategy: consistent_hash, hash_on: "header:X-Session"}
    breaker: {failures: 5, reset_timeout: "${RESET:-60s}", half_open_requests: 1, count_500: false}
    retry: {attempts: 2, budget: 0.2}
    timeouts: {connect: 5, response: 30s, idle: 1m, total: 0}
    probe: {type: grpc, path: a.b.C, interval: 30, timeout: 2, healthy_after: 2, unhealthy_after: 3}
    cors: {origins: ["https://app.example.com"], methods: [GET], headers: [authorization], credentials: true}
    routes:
      - {path: "/campaigns/{id:int}", methods: [GET], roles: [manager], limit: {requests: 5, window: 1}}
tenants:
  0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a:
    name: Demo
    services: {own: {port: 1}}
    api_keys:
      - {prefix: bgk_demo, hash: "${HASH}", user: demo, roles: [client], expires_at: "2030-01-01T00:00:00Z"}
"""


def violations(text: str) -> list[str]:
    values = yaml.safe_load(text)
    return [error.json_path for error in Draft202012Validator(gateway_schema()).iter_errors(values)]


def test_the_published_file_is_up_to_date():
    published = (files("brain_gateway") / "catalogue" / "gateway.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), (
        "run: brain-gateway config schema > src/brain_gateway/catalogue/gateway.schema.json"
    )


def test_it_is_a_schema_of_draft_2020_12():
    schema = json.loads(schema_text())
    assert schema["$schema"] == DIALECT
    Draft202012Validator.check_schema(schema)


def test_what_the_loader_takes():
    assert violations(VALID) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("kind: ai", "knid: ai", "$.services"),
        ("attempts: 2", "attempts: 0", "$.services"),
        ("connect: 5", "connect: soon", "$.services"),
        ("requests: 100,", "requests: many,", "$.limits"),
        ("strategy: consistent_hash", "strategy: best", "$.services"),
        ("name: Demo", "name: [Demo]", "$.tenants"),
    ],
)
def test_what_the_loader_refuses(old, new, path):
    assert old in VALID
    found = violations(VALID.replace(old, new))
    assert found
    assert all(place.startswith(path) for place in found)


def test_no_generated_titles():
    assert schema_text().count('"title"') == 1
