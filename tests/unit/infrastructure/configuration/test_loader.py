"""gateway.yaml: what it becomes, and every fault with its line, all at once."""

from __future__ import annotations

import gc
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.policies import BalancerPolicy, CorsPolicy, ProbePolicy, Timeouts
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.configuration import load_configuration, parse_configuration

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
HASH = "sha256:" + "ab" * 32

FULL = f"""\
packaged_services: true
limits:
  default: {{requests: 50, window: 1m}}
  public: {{requests: 5}}
services:
  ai-agents:
    targets: ["${{UPSTREAM}}", {{url: "http://127.0.0.1:9002", weight: 2}}]
    roles: [manager]
    limit: {{requests: 7, window: 500ms, burst: 2}}
    balancer: {{strategy: consistent_hash, hash_on: "header:X-Session"}}
    breaker: {{failures: 3, reset_timeout: 10s, half_open_requests: 2, count_500: true}}
    retry: {{attempts: 3, budget: 0.5}}
    timeouts: {{connect: 1, response: 2s, idle: 3, total: 1m}}
    probe: {{path: /up, interval: 5, timeout: 1, healthy_after: 1, unhealthy_after: 4}}
    cors:
      origins: ["https://app.example.com"]
      methods: [GET, POST]
      headers: [authorization]
      expose: [x-total]
      credentials: true
      max_age: 1h
    host_header: preserve
    max_body: 1048576
    websocket: false
    strict: true
    routes:
      - {{path: "/campaigns/{{id:int}}", methods: [GET], roles: [manager], limit: {{requests: 5, window: 1}}}}
      - {{path: /login, public: true}}
  redis: null
tenants:
  {TENANT}:
    name: Demo
    services:
      ai-agents: {{port: 9100, prefix: /v2/}}
    api_keys:
      - {{prefix: bgk_demo, hash: "{HASH}", user: demo, roles: [client]}}
      - {{hash: "sha256:{"cd" * 32}", user: other, expires_at: "2030-01-01T00:00:00+01:00"}}
"""


def parse(text: str, **environ: str) -> GatewayConfiguration:
    return parse_configuration(text, environ=environ)


def service(text: str, name: str = "x") -> ServiceRoute:
    found = [one for one in parse(text).services if one.name == name and one.tenant_id is None]
    assert len(found) == 1
    return found[0]


def faults(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, **environ)
    return [fault.removeprefix("gateway.yaml:") for fault in caught.value.faults]


def test_every_field_arrives():
    configuration = parse(FULL, UPSTREAM="http://127.0.0.1:9001")
    agents = next(one for one in configuration.services if one.name == "ai-agents" and one.tenant_id is None)
    assert agents.targets == (Target.parse("http://127.0.0.1:9001"), Target.parse("http://127.0.0.1:9002", 2))
    assert (agents.kind, agents.prefix, agents.exposed) == ("ai", "/api/v1/agents", True)
    assert agents.roles == {"manager"}
    assert agents.limit == RateLimit(7, 0.5, 2)
    assert agents.balancer == BalancerPolicy("consistent_hash", "header:X-Session")
    assert agents.breaker == BreakerPolicy(3, 10.0, 2, True)
    assert agents.retry == RetryPolicy(3, 0.5)
    assert agents.timeouts == Timeouts(1.0, 2.0, 3.0, 60.0)
    assert agents.probe == ProbePolicy("http", "/up", 5.0, 1.0, 1, 4)
    assert agents.cors == CorsPolicy(
        ("https://app.example.com",), ("GET", "POST"), ("authorization",), ("x-total",), True, 3600.0
    )
    assert (agents.host_header, agents.max_body, agents.websocket, agents.strict) == (
        "preserve",
        1048576,
        False,
        True,
    )
    first, second = agents.routes
    assert (first.pattern.text, first.methods, first.roles) == ("/campaigns/{id:int}", {"GET"}, {"manager"})
    assert first.limit == RateLimit(5, 1.0)
    assert (second.public, second.methods, second.limit) == (True, frozenset(), None)


def test_limits_tenants_and_keys_arrive():
    configuration = parse(FULL, UPSTREAM="http://127.0.0.1:9001")
    assert configuration.limit_classes == LimitClasses(default=RateLimit(50, 60.0), public=RateLimit(5, 60.0))
    assert configuration.tenants == {TENANT: "Demo"}
    first, second = configuration.api_keys
    assert (first.hash, first.prefix, first.tenant_id, first.user_id) == (HASH, "bgk_demo", TENANT, "demo")
    assert (first.roles, first.expires_at) == ({"client"}, math.inf)
    assert second.expires_at == 1893452400.0
    own = [one for one in configuration.services if one.tenant_id == TENANT]
    assert [(one.name, one.prefix, one.targets[0].port) for one in own] == [("ai-agents", "/v2", 9100)]
    assert "redis" not in {one.name for one in configuration.services}


def test_defaults_are_the_domains():
    plain, domain = service("services: {x: {port: 1}}"), ServiceRoute(name="x")
    for field in (
        "kind",
        "prefix",
        "exposed",
        "roles",
        "limit",
        "balancer",
        "breaker",
        "retry",
        "timeouts",
        "probe",
    ):
        assert getattr(plain, field) == getattr(domain, field), field
    for field in ("cors", "host_header", "max_body", "websocket", "strict", "routes"):
        assert getattr(plain, field) == getattr(domain, field), field


def test_partial_policies_keep_the_domains_defaults():
    text = (
        "services: {x: {port: 1, breaker: {failures: 1}, retry: {}, timeouts: {}, balancer: {}, probe: {}}}"
    )
    found = service(text)
    assert found.breaker == BreakerPolicy(failures=1)
    assert (found.retry, found.timeouts, found.balancer) == (RetryPolicy(), Timeouts(), BalancerPolicy())
    assert found.probe == ProbePolicy()
    cors = service("services: {x: {port: 1, cors: {origins: ['*']}}}").cors
    assert cors == CorsPolicy(("*",))


def test_the_health_check_interval_is_the_default_of_probes():
    text = "services: {x: {port: 1}, y: {port: 1, probe: {type: tcp}}, z: {port: 1, probe: {interval: 9}}}"
    configuration = parse_configuration(text, health_check_interval=7.0)
    intervals = {one.name: one.probe.interval for one in configuration.services}
    assert (intervals["x"], intervals["y"], intervals["z"], intervals["vault"]) == (7.0, 7.0, 9.0, 7.0)


def test_packaged_services_are_changed_key_by_key():
    vault = service("services: {vault: {probe: {timeout: 9}, prefix: /v2}}", "vault")
    assert (vault.prefix, vault.probe.path, vault.probe.timeout) == ("/v2", "/v1/sys/health", 9.0)
    assert vault.roles == {"super_admin"}


def test_without_packaged_services():
    assert [one.name for one in parse("packaged_services: false\nservices: {x: {port: 1}}").services] == ["x"]


def test_an_internal_service_is_not_exposed():
    assert not service("services: {x: {port: 1, kind: internal}}").exposed


def test_the_host_template_fills_name_and_port():
    text = 'packaged_services: false\nhost_template: "https://{name}.svc:{port}"\nservices: {x: {port: 8443}}'
    assert service(text).targets == (Target("https", "x.svc", 8443),)
    text = 'packaged_services: false\nhost_template: "http://{name}.svc"\nservices: {x: {}}'
    assert service(text).targets == (Target("http", "x.svc", 80),)


def test_empty_sections_are_none():
    empty = parse("services:\ntenants:\nlimits:\nhost_template:\n")
    assert len(empty.services) == 13
    assert empty.limit_classes == LimitClasses()


def test_numbers_and_switches_come_from_the_environment():
    text = 'services: {x: {port: "${P}", websocket: "${W}", limit: {requests: "${R:-9}", window: "${T}"}}}'
    configuration = parse(text, P="81", W="off", T="1m")
    found = configuration.services[-1]
    assert (found.targets[0].port, found.websocket, found.limit) == (81, False, RateLimit(9, 60.0))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("port: 0", "3: services.x.port: must be at least 1, not 0"),
        ("port: true", "3: services.x.port: must be a number, not true"),
        ("port: [1]", "3: services.x.port: must be a whole number, not a list"),
        ("prot: 1\n    port: 1", "3: services.x.prot: is not a known key; did you mean port?"),
        ("port: 1\n    zzz: 1", "4: services.x.zzz: is not a known key; known are balancer, breaker, cors"),
        (
            "port: 1\n    kind: bakend",
            '4: services.x.kind: must be one of ai, backend, infrastructure, internal, not "bakend"; did you',
        ),
        (
            "port: 1\n    prefix: api",
            "4: services.x.prefix: must be a path such as /api/v1/agents, without query",
        ),
        ("port: 1\n    prefix: /a/../b", "4: services.x.prefix: must not contain . or .."),
        (
            "port: 1\n    roles: manager",
            '4: services.x.roles: must be a list ([a, b] or lines of `- a`), not "manager"',
        ),
        ("port: 1\n    limit: 5", "4: services.x.limit: must be a mapping (lines of `key: value`), not 5"),
        ("port: 1\n    limit: {window: 1}", "4: services.x.limit.requests: is missing: add it"),
        (
            "port: 1\n    limit: {requests: 1, burst: 2}",
            "4: services.x.limit: burst must be at most requests (1)",
        ),
        (
            "port: 1\n    limit: {requests: 1, window: 0}",
            "4: services.x.limit.window: must be at least 0.001, not 0",
        ),
        ("port: 1\n    breaker: {failures: 0}", "4: services.x.breaker.failures: must be at least 1, not 0"),
        (
            "port: 1\n    breaker:\n      reset_timeout: soon",
            "5: services.x.breaker.reset_timeout: must be a duration",
        ),
        ("port: 1\n    retry: {budget: 2}", "4: services.x.retry.budget: must be at most 1, not 2"),
        ("port: 1\n    retry: {budget: nan}", "4: services.x.retry.budget: must be a number"),
        (
            "port: 1\n    retry: {attempts: 1.5}",
            "4: services.x.retry.attempts: must be a whole number, not 1.5",
        ),
        ("port: 1\n    probe: {type: htpp}", "did you mean http?"),
        ("port: 1\n    probe: {path: up}", "4: services.x.probe: path must begin with /"),
        (
            "port: 1\n    balancer: {strategy: consistent_hash}",
            "4: services.x.balancer: consistent_hash needs hash_on",
        ),
        ("port: 1\n    balancer: {hash_on: tenant}", "hash_on belongs to consistent_hash"),
        (
            "port: 1\n    balancer: {strategy: consistent_hash, hash_on: cookie}",
            "hash_on must be tenant, or header:NAME",
        ),
        ("port: 1\n    cors: {origins: [https://a/]}", "4: services.x.cors.origins[0]: must be an origin"),
        ("port: 1\n    cors: {origins: ['*'], credentials: true}", "name the origins"),
        (
            "port: 1\n    cors: {origins: ['*'], headers: ['a b']}",
            "4: services.x.cors.headers[0]: must be the name",
        ),
        ("port: 1\n    cors: {}", "4: services.x.cors.origins: is missing: add it"),
        ("port: 1\n    host_header: 'a/b'", "4: services.x.host_header: "),
        ("port: 1\n    websocket: perhaps", '4: services.x.websocket: must be true or false, not "perhaps"'),
        ("port: 1\n    max_body: -1", "4: services.x.max_body: must be at least 0, not -1"),
        (
            "port: 1\n    routes: [{path: x}]",
            '4: services.x.routes[0].path: route pattern "x": a pattern starts with /',
        ),
        ("port: 1\n    routes: [{path: '/{a:real}'}]", "unknown type"),
        (
            "port: 1\n    routes: [{path: /, methods: [get]}]",
            "4: services.x.routes[0].methods[0]: must be in upper case, GET",
        ),
        ("port: 1\n    routes: [{path: /, methods: ['G T']}]", "must be an HTTP method such as GET"),
        (
            "port: 1\n    routes: [{path: /, public: true, roles: [a]}]",
            "4: services.x.routes[0].roles: must be empty",
        ),
        (
            "port: 1\n    routes:\n      - {path: '/{a}'}\n      - {path: '/{b}'}",
            "6: services.x.routes[1].path: ties with routes[0] (/{a})",
        ),
        (
            "port: 1\n    routes:",
            "4: services.x.routes: must be a list ([a, b] or lines of `- a`), and there is nothing",
        ),
        ("port: 1\n    strict: true", "4: services.x.strict: must be false, or routes must list some"),
        (
            "port: 1\n    exposed: true\n    kind: internal",
            "4: services.x.exposed: must be false: a service of kind internal",
        ),
        (
            "port: 1\n    exposed: true\n    probe: {type: redis}",
            "4: services.x.exposed: must be false: a service with a redis",
        ),
        ("port: 1\n    kind: infrastructure\n    roles: 5", "5: services.x.roles: must be a list"),
        ("port: 1\n    kind: infrastructure", "2: services.x.roles: must name at least one role"),
        ("targets: [http://a:1, http://a:1]", "3: services.x.targets[1]: repeats targets[0]"),
        (
            "targets: [http://a:1/x]",
            '3: services.x.targets[0].url: target "http://a:1/x": end it after the port',
        ),
        (
            "targets: [{url: http://a:1, wieght: 2}]",
            "targets[0].wieght: is not a known key; did you mean weight?",
        ),
        ("targets: [5]", "3: services.x.targets[0]: must be a mapping"),
        ("prefix: /a", "2: services.x: has no address: give it targets, or the port"),
    ],
)
def test_a_fault_of_a_service(body, fault):
    (found,) = faults(f"services:\n  x:\n    {body}")
    assert fault in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[1]", "1: must be a mapping (lines of `key: value`)"),
        ("just text", "1: must be a mapping"),
        ("a: [", "is not YAML: "),
        ("#\nservics: {}", "2: servics: is not a known key; did you mean services?"),
        ("packaged_services: maybe", '1: packaged_services: must be true or false, not "maybe"'),
        (
            "host_template: http://x:{prot}",
            "1: host_template: must contain no placeholders but {name} and {port}",
        ),
        ("host_template: x", '1: host_template: target "x": write http://host:port'),
        ("limits: {agent: {requests: 1}}", "1: limits.agent: is not a known key; did you mean agents?"),
        ("services: [a]", "1: services: must be a mapping (lines of `key: value`), not a list"),
        (
            "services: {Bad: {port: 1}}",
            "1: services.Bad: must be 1 to 63 lower-case letters, digits and hyphens",
        ),
        ("services: {metrics: {port: 1}}", "1: services.metrics: is a path of the gateway itself"),
        ("services: {favicon.ico: {port: 1}}", "1: services.favicon.ico: is a path of the gateway itself"),
        ("services: {x: null}", "1: services.x: is empty: give it a port or targets"),
        ("services: {redis: {exposed: true}}", "1: services.redis.exposed: must be false"),
        ("services: {redis: {exposed: true, kind: backend}}", "1: services.redis.exposed: must be false"),
        ("services: {vault: {roles: []}}", "1: services.vault.roles: must name at least one role"),
        (
            "services: {a: {port: 1}, a: {port: 2}}",
            "1: services.a: is written twice (first in line 1): keep one",
        ),
        ("tenants: {demo: {}}", "1: tenants.demo: the tenant id is not a UUID"),
        (f"tenants: {{{TENANT.upper()}: {{}}}}", "must be written in lower case"),
        (
            f"tenants: {{{TENANT}: {{services: {{api: {{port: 1}}}}}}}}",
            "services.api: is a path of the gateway itself",
        ),
        (
            f"tenants: {{{TENANT}: {{services: {{a: {{}}}}}}}}",
            f"1: tenants.{TENANT}.services.a: has no address",
        ),
        (
            f"tenants: {{{TENANT}: {{api_keys: [{{hash: x, user: u}}]}}}}",
            'api_keys[0].hash: must be "sha256:" and 64',
        ),
        (f"tenants: {{{TENANT}: {{api_keys: [{{hash: {HASH}}}]}}}}", "api_keys[0].user: is missing: add it"),
        (
            f"tenants: {{{TENANT}: {{api_keys: [{{hash: {HASH}, user: u, expires_at: 2030-01-01}}]}}}}",
            "api_keys[0].expires_at: must be a date and time with a time zone",
        ),
        (
            f"tenants: {{{TENANT}: {{api_keys: [{{hash: {HASH}, user: u}}, {{hash: {HASH}, user: v}}]}}}}",
            "api_keys[1].hash: is the key of line 1 again",
        ),
    ],
)
def test_a_fault_of_the_file(text, fault):
    (found,) = faults(text)
    assert fault in found


def test_all_faults_at_once_in_the_order_of_lines():
    text = """\
limits: {default: {requests: 0}}
services:
  a: {prot: 1, port: x, breaker: {failures: 0}, strict: true}
  b: {targets: ["${NOPE}"]}
  b: {port: 1}
  c: {port: 1, routes: [{path: /x}, {path: /x}]}
  d: {kind: infrastructure, port: 1, retry: {attempts: 99}}
tenants:
  demo: {}
"""
    assert [fault.partition(": ")[0] + " " + fault.split(": ")[1] for fault in faults(text)] == [
        "1 limits.default.requests",
        "3 services.a.breaker.failures",
        "3 services.a.port",
        "3 services.a.prot",
        "3 services.a.strict",
        "4 services.b.targets[0]",
        "5 services.b",
        "6 services.c.routes[1].path",
        "7 services.d.retry.attempts",
        "7 services.d.roles",
        "9 tenants.demo",
    ]


def test_all_faults_of_a_tenants_service_at_once():
    text = f"tenants: {{{TENANT}: {{services: {{a: {{kind: infrastructure, port: 0, prefx: /x}}}}}}}}"
    assert [fault.split(": ")[1].rpartition(".")[2] for fault in faults(text)] == ["port", "prefx", "roles"]


def test_what_comes_from_the_environment_is_not_shown():
    (fault,) = faults('services: {x: {port: "${SECRET}"}}', SECRET="hush")
    assert fault == "1: services.x.port: must be a whole number, not the value of ${SECRET}"
    (fault,) = faults('services: {x: {targets: ["${SECRET}"]}}', SECRET="hush")
    assert "hush" not in fault


def test_the_file_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("services:\n  x: {port: 0}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path, environ={})
    assert caught.value.faults == (f"{path}:2: services.x.port: must be at least 1, not 0",)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent\.yaml: cannot be read \(No such file"):
        load_configuration(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load_configuration(tmp_path / "latin.yaml")


def test_a_byte_order_mark_is_taken(tmp_path):
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfpackaged_services: false")
    assert load_configuration(tmp_path / "bom.yaml").services == ()


def test_without_a_file_the_environment_does_not_matter(monkeypatch):
    monkeypatch.setenv("X", "1")
    assert len(load_configuration(None).services) == 13


def test_the_environment_of_the_process_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWAY_TEST_PORT", "77")
    (tmp_path / "g.yaml").write_text(
        'packaged_services: false\nservices: {x: {port: "${GATEWAY_TEST_PORT}"}}'
    )
    assert load_configuration(tmp_path / "g.yaml").services[0].targets[0].port == 77


def test_the_benchmarks_file_loads():
    path = Path(__file__).parents[4] / "bench" / "gateway.yaml"
    configuration = load_configuration(path, environ={"BENCH_UPSTREAM": "http://127.0.0.1:19000"})
    agents = configuration.services[0]
    assert (agents.name, agents.targets[0].origin) == ("ai-agents", "http://127.0.0.1:19000")


def test_the_collector_runs_again_afterwards():
    assert gc.isenabled()
    faults("a: [")
    assert gc.isenabled()


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["http://a:1", "60s", "${X}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["services", "x", "vault", "port", "targets", "routes", "path", "probe", "limits", TENANT]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(
    st.fixed_dictionaries(
        {}, optional={"services": JUNK, "tenants": JUNK, "limits": JUNK, "host_template": JUNK, "other": JUNK}
    )
)
def test_whatever_is_written_gives_a_configuration_or_faults_with_lines(values):
    said: tuple[str, ...] = ()
    try:
        parse(json.dumps(values))
    except ConfigurationError as error:
        said = error.faults
    assert all(fault.startswith("gateway.yaml:1: ") for fault in said)


def test_limits_of_one_tenant():
    read = parse(
        f"tenants: {{{TENANT}: {{limits: {{agents: {{requests: 3}}, services: {{x: {{requests: 5, window: 1}}}}}}}}}}"
    )
    assert read.tenant_limits == {
        (TENANT, "agents"): RateLimit(3, 60.0),
        (TENANT, "service:x"): RateLimit(5, 1.0),
    }


@pytest.mark.parametrize(("text", "label"), [("label: platform.eu-1", "platform.eu-1"), ("", None)])
def test_the_label_of_a_file(text, label):
    assert parse(text).label == label


@pytest.mark.parametrize("text", ["label: api", "label: registry", "label: 'a b'", "label: ''", "label: -x"])
def test_labels_that_are_none(text):
    (found,) = faults(text)
    assert found.startswith("1: label: m")


def test_a_service_whose_instances_register_themselves():
    assert service("services: {x: {targets: []}}").targets == ()


@pytest.mark.parametrize("many", [0, 1_000_000_000])
def test_much_that_was_loaded_is_not_looked_through_in_one_go(monkeypatch, many):
    """The collector's first round after it would hold the event loop up."""
    monkeypatch.setattr("brain_gateway.infrastructure.configuration.loader._MANY", many)
    before = gc.get_freeze_count()
    try:
        assert len(parse("services: {x: {targets: []}}").services) > 0
        assert (gc.get_freeze_count() > before) is (many == 0)
    finally:
        gc.unfreeze()
