"""The example platform: its launcher with real processes, and (marker `platform`) the whole with the gateway.

The first part needs neither Wagtail nor a network. The second runs `examples/platform/run.py` as `make run`
does, in a data directory of its own, and goes through the gateway to all four services; `make test-platform`
asks for it.
"""

import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

REPOSITORY = Path(__file__).resolve().parents[2]
PLATFORM = REPOSITORY / "examples" / "platform"
DEMO = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
NORTHWIND = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
PASSWORD = "brain-demo"


def wait_until(condition: Callable[[], bool], what: str, patience: float = 30.0) -> None:
    """Poll; the bound is there so that a fault ends, it is no claim about speed."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_running(pid: int) -> bool:
    """Whether a process does anything; one that ended and awaits its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


# The launcher's parts


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a module of the launcher, which lives outside of the package."""
    monkeypatch.syspath_prepend(str(PLATFORM))
    return lambda name: importlib.import_module(f"launcher.{name}")


def test_requirements_are_plain_pins() -> None:
    lines = (PLATFORM / "requirements.txt").read_text().splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[0-9][\w.]*", line)] == []


def test_every_requirement_asked_for_is_pinned() -> None:
    asked = re.findall(r"^([A-Za-z][\w.-]*)", (PLATFORM / "requirements.in").read_text(), re.MULTILINE)
    pinned = {line.partition("==")[0] for line in (PLATFORM / "requirements.txt").read_text().splitlines()}
    assert {name.lower() for name in asked} <= pinned


def test_gateway_file_is_accepted_and_names_the_four(
    launcher: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    from brain_gateway.infrastructure.configuration import load_configuration

    upstreams = launcher("upstreams").UPSTREAMS
    for number, upstream in enumerate(upstreams, 9001):
        monkeypatch.setenv(f"{upstream.variable}_URL", f"http://127.0.0.1:{number}")
    configuration = load_configuration(PLATFORM / "gateway.yaml")
    targets = {service.name: service.targets[0].origin for service in configuration.services}
    for number, upstream in enumerate(upstreams, 9001):
        assert targets[upstream.name] == f"http://127.0.0.1:{number}"
    assert set(configuration.tenants) == {DEMO, NORTHWIND}


def test_table_of_ports_is_the_packaged_one(launcher: Callable[[str], ModuleType]) -> None:
    services = (REPOSITORY / "src/brain_gateway/catalogue/services.yaml").read_text()
    packaged = {int(port) for port in re.findall(r"^ +port: (\d+)", services, re.MULTILINE)}
    assert packaged | {8001} == launcher("ports").TABLE
    assert {upstream.port for upstream in launcher("upstreams").UPSTREAMS} <= packaged


def test_a_taken_port_gives_way_to_one_outside_of_the_table(launcher: Callable[[str], ModuleType]) -> None:
    ports = launcher("ports")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        given: set[int] = set()
        first, second = ports.choose(wanted, given), ports.choose(wanted, given)
    assert len({wanted, first, second}) == 3
    assert given == {first, second}
    assert not given & ports.TABLE


def test_a_secret_is_made_once_and_for_the_owner_only(
    launcher: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    read_or_make, path = launcher("secrets_file").read_or_make, tmp_path / "secret"
    secret = read_or_make(path)
    assert read_or_make(path) == secret
    assert len(secret) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(launcher("layout").LaunchError, match="chmod 600"):
        read_or_make(path)


def test_only_the_issuer_gets_the_secret(launcher: Callable[[str], ModuleType], tmp_path: Path) -> None:
    layout = launcher("layout").Layout(tmp_path, tmp_path, tmp_path / "venv")
    environ = {"JWT_SECRET": "s" * 32, "VAULT_TOKEN": "hidden", "PATH": "/bin"}
    variables = launcher("variables").Variables.read(environ, layout)
    for upstream in launcher("upstreams").UPSTREAMS:
        env = variables.of_service(upstream, tmp_path, 1)
        assert "VAULT_TOKEN" not in env
        assert ("JWT_SECRET" in env) == (upstream.name == "auth-service")
    assert variables.of_gateway({"AUTH": 1})["JWT_SECRET"] == environ["JWT_SECRET"]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"JWT_SECRET": "short"}, "JWT_SECRET"),
        ({"JWT_ALGORITHM": "none"}, "JWT_ALGORITHM"),
        ({"CRM_PORT": "many"}, "CRM_PORT"),
    ],
)
def test_a_wrong_variable_is_named(
    launcher: Callable[[str], ModuleType], tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    layout = launcher("layout").Layout(tmp_path, tmp_path, tmp_path / "venv")
    upstreams, read = launcher("upstreams").UPSTREAMS, launcher("variables").Variables.read
    with pytest.raises(launcher("layout").LaunchError, match=words):
        [read(environ, layout).port_of(upstream) for upstream in upstreams]


def test_unknown_options_are_the_gateways(launcher: Callable[[str], ModuleType]) -> None:
    read = launcher("options").read_options
    options = read(["--workers", "2", "--port", "8080", "--host", "0.0.0.0"], {})
    assert options.for_gateway == ("--host", "0.0.0.0", "--workers", "2")
    assert (options.port, options.port_is_fixed, options.client_host) == (8080, True, "127.0.0.1")
    assert not read([], {}).port_is_fixed
    assert read([], {"BRAIN_GATEWAY_PORT": "8100"}).port == 8100


def test_health_is_read_in_the_gateways_shape(launcher: Callable[[str], ModuleType]) -> None:
    probing = launcher("probing")
    body = b'{"status":"degraded","services":{"a":{"status":"healthy"},"b":{"status":"down"}}}'
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/health"
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        with subprocess.Popen(
            [sys.executable, "-c", _ANSWER_ONCE, answer.hex()], stdin=server.fileno()
        ) as server_process:
            assert probing.service_states(url) == {"a": "healthy", "b": "down"}
            server_process.wait()
    assert probing.service_states(url) == {}
    assert not probing.is_well(url)


_ANSWER_ONCE = """
import socket, sys
with socket.socket(fileno=0) as server:
    peer, _ = server.accept()
    with peer:
        peer.recv(65536)
        peer.sendall(bytes.fromhex(sys.argv[1]))
"""

_LAUNCH_AND_HANG = """
import sys, time
from pathlib import Path
from launcher.child import Child, Guard
command = [sys.executable, "-c", '''
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
''']
guard = Guard()
log = Path(sys.argv[1])
child = Child.start(guard, "child", command, {}, log, log.parent)
while not log.read_text().endswith("\\n"):
    time.sleep(0.02)
print(child.pid, flush=True)
time.sleep(600)
"""


def _launch(log: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A launcher that has started a child that has started a child; returns it and both pids."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH_AND_HANG, str(log)],
        env={**os.environ, "PYTHONPATH": str(PLATFORM)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = [int(process.stdout.readline()), int(log.read_text())]
    process.stdout.close()
    assert all(map(is_running, pids))
    return process, pids


def test_a_killed_launcher_leaves_nobody_behind(tmp_path: Path) -> None:
    process, pids = _launch(tmp_path / "log")
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_running, pids)), "child and grandchild end with the launcher")


def test_a_child_that_ignores_sigterm_is_killed_with_all_it_started(
    launcher: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    child_module = launcher("child")
    guard, log = child_module.Guard(), tmp_path / "log"
    command = [sys.executable, "-c", _DEAF]
    child = child_module.Child.start(guard, "deaf", command, {}, log, tmp_path)
    try:
        wait_until(lambda: log.read_text().endswith("\n"), "the child speaks")
        grandchild = int(log.read_text())
        child.signal(signal.SIGTERM)
        assert is_running(child.pid)
    finally:
        code = child.finish()
        guard.close()
    assert code == -signal.SIGKILL
    assert child.finish() == code
    wait_until(lambda: not is_running(grandchild), "the grandchild ends with the group")


_DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


def test_a_failing_step_says_which_and_shows_its_end(
    launcher: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    guard = launcher("child").Guard()
    steps = launcher("steps").Steps(guard, launcher("stopping").StopSignals())
    command, seen = [sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"], []
    try:
        with pytest.raises(launcher("layout").LaunchError, match=r"(?s)the step failed.*exit code 3.*two"):
            steps.run("the step", command, {}, tmp_path / "log", seen.append)
    finally:
        guard.close()
    assert seen == ["one", "two"]


def test_a_request_to_stop_ends_a_step(launcher: Callable[[str], ModuleType], tmp_path: Path) -> None:
    guard, signals = launcher("child").Guard(), launcher("stopping").StopSignals()
    command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
    pids: list[int] = []

    def stop(line: str) -> None:
        pids.append(int(line))
        signals.requests += 1

    try:
        with pytest.raises(launcher("stopping").StopRequested):
            launcher("steps").Steps(guard, signals).run("a step", command, {}, tmp_path / "log", stop)
    finally:
        guard.close()
    assert not is_running(pids[0])


def test_a_database_is_stale_when_what_it_is_built_from_changes(
    launcher: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases, upstreams = launcher("databases"), launcher("upstreams").UPSTREAMS[:1]
    layout = launcher("layout").Layout(tmp_path, tmp_path, tmp_path / "venv")
    (tmp_path / "logs").mkdir()
    (layout.venv / "bin").mkdir(parents=True)
    # Stands in for the services' interpreter: a "build" that leaves one file where it is told to.
    layout.python.write_text('#!/bin/sh\necho built > "$PLATFORM_DATA/db.sqlite3"\n')
    layout.python.chmod(0o755)
    guard = launcher("child").Guard()
    steps = launcher("steps").Steps(guard, launcher("stopping").StopSignals())
    built: list[str] = []

    def build() -> None:
        databases.build(
            layout, upstreams, steps, lambda upstream, data: {"PLATFORM_DATA": str(data)}, built.append
        )

    try:
        assert databases.stale(layout, upstreams) == list(upstreams)
        build()
        assert databases.stale(layout, upstreams) == []
        data = databases.data_of(layout, upstreams[0])
        (data / "db.sqlite3").write_text("somebody's work")
        (data / databases.STAMP).write_text("of another day")
        assert databases.stale(layout, upstreams) == list(upstreams)
        build()
    finally:
        guard.close()
    assert built == [upstreams[0].name] * 2
    assert (data / "db.sqlite3").read_text() == "built\n"
    assert (data.with_suffix(".previous") / "db.sqlite3").read_text() == "somebody's work"


# The whole: run.py, four services and the gateway


@dataclass
class Run:
    """A platform that is up."""

    process: subprocess.Popen[bytes]
    output: Path
    url: str
    ports: dict[str, int]

    @contextmanager
    def client(self, email: str | None = None) -> Iterator[httpx.Client]:
        """A client of the gateway, signed in as somebody of the demonstration or not at all."""
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as client:
            if email:
                answer = client.post("/auth-service/login", json={"email": email, "password": PASSWORD})
                assert answer.status_code == 200, answer.text
                client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """`make run` in a data directory of its own, on ports of its own; packages from .venv-platform."""
    data, port = tmp_path_factory.mktemp("platform"), free_port()
    ports = {name: free_port() for name in ("AUTH", "WAGTAIL", "CRM", "SHOP")}
    drop = {
        "JWT_SECRET",
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        "JWT_ALGORITHM",
        "BRAIN_GATEWAY_PROFILE",
        "PLATFORM_DATA_DIR",
    }
    env = {name: value for name, value in os.environ.items() if name not in drop}
    env |= {f"{name}_PORT": str(number) for name, number in ports.items()}
    env["BRAIN_GATEWAY_DATA_DIR"] = str(data)
    output = data / "output"
    with output.open("wb") as file:
        command = [sys.executable, str(PLATFORM / "run.py"), "--port", str(port)]
        process = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, cwd=data)
    try:
        wait_until(
            lambda: "Ctrl-C stops everything." in output.read_text() or process.poll() is not None,
            "the platform comes up",
            patience=600,  # the first time it installs
        )
        assert process.poll() is None, output.read_text()
        yield Run(process, output, f"http://127.0.0.1:{port}", ports)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)
    assert code == 0, output.read_text()
    for number in (port, *ports.values()):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", number)) != 0, f"somebody still listens on {number}"


@pytest.fixture
def admin(run: Run) -> Iterator[httpx.Client]:
    with run.client("admin@demo.example") as client:
        yield client


@pytest.fixture
def northwind(run: Run) -> Iterator[httpx.Client]:
    with run.client("admin@northwind.example") as client:
        yield client


def ask(client: httpx.Client, query: str, path: str = "/saleor-backend/", **variables: Any) -> dict[str, Any]:
    answer = client.post(path, json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json(), answer.text
    return dict(answer.json()["data"])


@pytest.mark.platform
def test_four_are_up_and_the_others_honestly_not(run: Run) -> None:
    with run.client() as nobody:
        services = nobody.get("/health").json()["services"]
    for name in ("auth-service", "wagtail-cms", "django-crm", "saleor-backend"):
        assert services[name]["status"] == "healthy", name
    assert services["quanttrade-backend"]["status"] != "healthy"


@pytest.mark.platform
@pytest.mark.parametrize(
    "path", ["/wagtail-cms/pages/", "/django-crm/contacts", "/saleor-backend/", "/auth-service/me"]
)
def test_nobody_is_refused_at_the_door(run: Run, path: str) -> None:
    with run.client() as nobody:
        answer = nobody.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.platform
def test_the_auth_service_knows_who_signed_in(admin: httpx.Client) -> None:
    me = admin.get("/auth-service/me").json()
    assert (me["email"], me["tenant_id"], me["roles"]) == ("admin@demo.example", DEMO, ["tenant_admin"])


@pytest.mark.platform
def test_a_wrong_password_is_refused_by_the_service(run: Run) -> None:
    with run.client() as nobody:
        body = {"email": "admin@demo.example", "password": "something else"}
        assert nobody.post("/auth-service/login", json=body).status_code == 401


@pytest.mark.platform
def test_a_refresh_token_works_once_and_its_return_ends_the_sign_in(run: Run) -> None:
    with run.client() as nobody:
        body = {"email": "client@demo.example", "password": PASSWORD}
        first = nobody.post("/auth-service/login", json=body).json()["refresh_token"]
        second = nobody.post("/auth-service/refresh", json={"refresh_token": first}).json()["refresh_token"]
        assert nobody.post("/auth-service/refresh", json={"refresh_token": first}).status_code == 401
        assert nobody.post("/auth-service/refresh", json={"refresh_token": second}).status_code == 401


@pytest.mark.platform
def test_who_registers_gets_a_tenant_of_their_own(run: Run) -> None:
    person = {
        "email": "ann@new.example",
        "password": "a long password",
        "name": "Ann",
        "organisation": "New & Co",
    }
    with run.client() as nobody:
        answer = nobody.post("/auth-service/register", json=person)
        assert answer.status_code == 201, answer.text
        assert nobody.post("/auth-service/register", json=person).status_code == 409
        nobody.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        assert nobody.get("/django-crm/contacts").json()["count"] == 0
        assert nobody.get("/auth-service/me").json()["tenant_name"] == "New & Co"


@pytest.mark.platform
@pytest.mark.parametrize("prefix", ["/wagtail-cms", "/brain-gateway/wagtail-cms"])
def test_content_comes_from_wagtail(admin: httpx.Client, prefix: str) -> None:
    listing = admin.get(f"{prefix}/pages/", params={"type": "cms.ArticlePage", "limit": 3, "order": "title"})
    assert listing.json()["meta"]["total_count"] == 8
    page = admin.get(f"{prefix}/pages/{listing.json()['items'][0]['id']}").json()
    assert page["body"].startswith("<p>")
    # MEDIA_URL is the upstream's prefix and then the path that the gateway serves below the service's name.
    picture = page["picture_thumbnail"]["url"].removeprefix("/api/v1/cms")
    answer = admin.get(f"{prefix}{picture}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")


@pytest.mark.platform
def test_wagtail_is_open_to_the_front_ends_origin_alone(run: Run) -> None:
    def preflight(origin: str) -> httpx.Response:
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        with run.client() as nobody:
            return nobody.options("/wagtail-cms/pages/", headers=headers)

    allowed = preflight("https://shop.example.com")
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example.com"
    assert "access-control-allow-origin" not in preflight("https://evil.example.com").headers


@pytest.mark.platform
def test_a_contact_is_created_found_changed_and_deleted(run: Run, admin: httpx.Client) -> None:
    made = admin.post("/django-crm/contacts", json={"first_name": "Ada", "email": "ada@engine.example"})
    assert made.status_code == 201, made.text
    path = f"/django-crm/contacts/{made.json()['id']}"
    found = admin.get("/django-crm/contacts/", params={"search": "engine", "page_size": 1}).json()
    assert [contact["email"] for contact in found["results"]] == ["ada@engine.example"]
    assert admin.patch(path, json={"stage": "customer"}).json()["stage"] == "customer"
    again = admin.post("/django-crm/contacts", json={"first_name": "Ada", "email": "ada@engine.example"})
    assert again.status_code == 400
    with run.client("client@demo.example") as client:
        assert client.delete(path).status_code == 403
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


@pytest.mark.platform
def test_pages_of_the_crm_follow_each_other_through_the_gateway(admin: httpx.Client) -> None:
    url, seen = "/django-crm/contacts?page_size=4&ordering=email", []
    while url:
        answer = admin.get(url)
        seen += [contact["email"] for contact in answer.json()["results"]]
        following = answer.json()["next"]
        url = str(answer.url.join(following)) if following else ""
    assert seen == sorted(set(seen))
    assert len(seen) >= 6


@pytest.mark.platform
def test_tenants_do_not_see_each_other(admin: httpx.Client, northwind: httpx.Client) -> None:
    theirs = northwind.get("/django-crm/companies").json()["results"][0]["id"]
    assert admin.get(f"/django-crm/companies/{theirs}").status_code == 404
    stolen = {"first_name": "Eve", "email": "eve@engine.example", "company": theirs}
    assert admin.post("/django-crm/contacts", json=stolen).status_code == 400
    spoofed = admin.get("/django-crm/companies", headers={"X-Tenant-ID": NORTHWIND})
    assert spoofed.status_code == 403
    roles = admin.get("/django-crm/companies", headers={"X-User-Roles": "super_admin", "X-User-ID": "root"})
    assert roles.status_code == 200


@pytest.mark.platform
def test_the_crm_itself_answers_nobody_without_the_gateway(run: Run) -> None:
    answer = httpx.get(f"http://127.0.0.1:{run.ports['CRM']}/api/v1/crm/contacts", trust_env=False)
    assert answer.status_code == 403


PRODUCTS = """query ($after: String) { products(first: 5, after: $after, channel: "default-channel") {
  totalCount pageInfo { hasNextPage endCursor } edges { node { slug pricing { priceRange { start { gross {
  amount currency } } } } } } } }"""

CREATE = """mutation ($input: CheckoutCreateInput!) { checkoutCreate(input: $input) {
  checkout { id totalPrice { gross { fractionalAmount } } } errors { code } } }"""

COMPLETE = """mutation ($id: ID!) { checkoutComplete(id: $id) { order { number status } errors { code } } }"""

VARIANT = '{ product(slug: "moka-three") { variants { id quantityAvailable } } }'


@pytest.mark.platform
@pytest.mark.parametrize("path", ["/saleor-backend", "/saleor-backend/", "/brain-gateway/saleor-backend/"])
def test_products_are_paged_by_cursor(admin: httpx.Client, path: str) -> None:
    slugs, after = [], None
    while True:
        products = ask(admin, PRODUCTS, path, after=after)["products"]
        slugs += [edge["node"]["slug"] for edge in products["edges"]]
        if not products["pageInfo"]["hasNextPage"]:
            break
        after = products["pageInfo"]["endCursor"]
    assert len(slugs) == len(set(slugs)) == products["totalCount"] == 12


@pytest.mark.platform
def test_an_order_is_placed_announced_and_the_tenants_own(
    run: Run, admin: httpx.Client, northwind: httpx.Client
) -> None:
    variant = ask(admin, VARIANT)["product"]["variants"][0]
    lines = [{"variantId": variant["id"], "quantity": 2}]
    wanted = {"channel": "default-channel", "email": "ada@engine.example", "lines": lines}
    checkout = ask(admin, CREATE, input=wanted)["checkoutCreate"]["checkout"]
    assert checkout["totalPrice"]["gross"]["fractionalAmount"] == 5800
    address = run.url.replace("http://", "ws://") + "/saleor-backend/"
    authorization = {"Authorization": admin.headers["Authorization"]}
    with connect(
        address, subprotocols=["graphql-transport-ws"], additional_headers=authorization, proxy=None
    ) as socket_:
        socket_.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket_.recv(timeout=30))["type"] == "connection_ack"
        listen = {"query": "subscription { orderCreated { order { number userEmail } } }"}
        socket_.send(json.dumps({"type": "subscribe", "id": "1", "payload": listen}))
        socket_.send(json.dumps({"type": "ping"}))
        assert json.loads(socket_.recv(timeout=30))["type"] == "pong"  # so the subscription was read
        assert ask(northwind, COMPLETE, id=checkout["id"])["checkoutComplete"]["errors"] == [
            {"code": "NOT_FOUND"}
        ]
        order = ask(admin, COMPLETE, id=checkout["id"])["checkoutComplete"]["order"]
        told = json.loads(socket_.recv(timeout=30))["payload"]["data"]["orderCreated"]["order"]
    assert told == {"number": order["number"], "userEmail": "ada@engine.example"}
    left = ask(admin, VARIANT)["product"]["variants"][0]["quantityAvailable"]
    assert left == variant["quantityAvailable"] - 2
    assert ask(admin, "{ orders(first: 5) { totalCount } }")["orders"]["totalCount"] == 1
    assert ask(northwind, "{ orders(first: 5) { totalCount } }")["orders"]["totalCount"] == 0


@pytest.mark.platform
def test_the_gateway_counts_what_went_through_it(run: Run, admin: httpx.Client) -> None:
    admin.get("/wagtail-cms/images/")
    with run.client() as nobody:
        metrics = nobody.get("/metrics").text
    assert re.search(
        r'^brain_gateway_requests_total\{.*service="wagtail-cms".*\} [1-9]', metrics, re.MULTILINE
    )


@pytest.mark.platform
def test_a_dead_service_takes_nobody_with_it(run: Run, admin: httpx.Client) -> None:
    """The last one: from here on the CRM is gone."""
    process = _listener_on(run.ports["CRM"])
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: "django-crm has ended" in run.output.read_text(), "the launcher says who has ended")
    assert admin.get("/django-crm/contacts").status_code in {502, 503}
    assert admin.get("/wagtail-cms/images/").status_code == 200
    wait_until(
        lambda: admin.get("/health").json()["services"]["django-crm"]["status"] != "healthy",
        "the gateway notices",
    )
    assert run.process.poll() is None


def _listener_on(port: int) -> int:
    """The process that listens on a port of 127.0.0.1, by /proc/net/tcp and what our processes hold open."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = next(row[9] for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == "0A")
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) == f"socket:[{inode}]":
                return int(descriptor.parts[2])
        except OSError:  # it closed meanwhile, or it is somebody else's
            continue
    raise AssertionError(f"nobody of ours listens on {port}")
