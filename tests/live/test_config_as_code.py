"""The command line against a gateway, process against process: files applied, by one operator and by two at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from brain_gateway.cli import app
from tests.live.harness.credentials import TENANT, bearer, token
from tests.live.harness.gateway import COMMAND, Gateway, eventually, running_gateway
from tests.live.harness.upstream import Upstream, scripted_upstream

pytestmark = pytest.mark.anyio
PATIENCE = 60.0  # seconds


class Operator:
    """Somebody with a shell: a folder, a token, a gateway. What one `does` runs in this process, to be quick; what one
    `starts` is a process of its own."""

    def __init__(self, folder, gateway: Gateway) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.environ = {
            "PATH": os.environ["PATH"],
            "BRAIN_GATEWAY_URL": f"http://127.0.0.1:{gateway.port}",
            "BRAIN_GATEWAY_TOKEN": token(roles=("super_admin",)),
        }

    def write(self, name: str, **values: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump({"packaged_services": False, **values}))

    async def starts(
        self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            COMMAND, *arguments, cwd=self.folder, env=self.environ, stdin=stdin,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def does(self, *arguments: str, code: int = 0) -> str:
        """Runs a command to its end; what it printed."""
        result = await asyncio.to_thread(self._run, arguments)
        assert result.exit_code == code, result.output
        assert self.environ["BRAIN_GATEWAY_TOKEN"] not in result.output
        return result.stdout or result.stderr

    def _run(self, arguments: tuple[str, ...]) -> Result:
        with contextlib.chdir(self.folder):
            return CliRunner().invoke(app, arguments, env=self.environ, catch_exceptions=False)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as found:
        yield found


def at(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"targets": [upstream.url], "probe": {"type": "none"}, **more}


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory, upstream):
    """One for all tests, each with names and labels of its own; it starts from a file with two services."""
    file = {"packaged_services": False, "services": {"crm": at(upstream), "taken": at(upstream)}}
    async with running_gateway(tmp_path_factory.mktemp("gateway"), file) as found:
        yield found


@pytest.fixture
def ada(tmp_path, gateway):
    return Operator(tmp_path / "ada", gateway)


@pytest.fixture
def bob(tmp_path, gateway):
    return Operator(tmp_path / "bob", gateway)


async def test_the_file_that_a_gateway_starts_from_has_nothing_to_add(gateway, ada):
    diff = await ada.does("config", "diff", str(gateway.config), "--owner", "gateway.yaml")
    assert diff == "nothing to do; 2 unchanged\n"


async def test_a_file_is_put_in_force_and_stays(gateway, ada, upstream):
    ada.write(
        "platform.yaml",
        label="platform",
        services={"taken": at(upstream, prefix="/v2"), "reports": at(upstream, limit={"requests": 9})},
        tenants={TENANT: {"name": "Demo", "services": {"own": at(upstream)}}},
    )
    planned = await ada.does("config", "diff", "platform.yaml", code=2)
    assert "~ service taken\n    + prefix: /v2\n" in planned
    assert "+ service reports" in planned
    assert (await gateway.get("/reports/x")).status == 404
    await ada.does("config", "apply", "platform.yaml", code=1)  # nobody said yes
    await ada.does("config", "apply", "platform.yaml", "--yes")
    assert (await gateway.get("/reports/x")).status == 200
    assert (await gateway.get("/own/x")).status == 200
    assert await ada.does("config", "diff", "platform.yaml") == "nothing to do; 4 unchanged\n"
    await ada.does("config", "export", "--owner", "platform", "-o", "exported.yaml")
    assert "4 unchanged" in await ada.does("config", "diff", "exported.yaml", "--owner", "platform")


async def test_what_was_exported_starts_another_gateway(ada, upstream, tmp_path):
    ada.write("first.yaml", services={"one": at(upstream), "two": at(upstream, prefix="/v2")})
    await ada.does("config", "apply", "first.yaml", "--yes")
    await ada.does("config", "export", "--owner", "first", "-o", "exported.yaml")
    async with running_gateway(tmp_path / "second", ada.folder / "exported.yaml") as second:
        assert (await second.get("/two/x")).status == 200
        carol = Operator(tmp_path / "carol", second)
        exported = str(ada.folder / "exported.yaml")
        assert "2 unchanged" in await carol.does("config", "diff", exported, "--owner", "gateway.yaml")


async def test_only_its_own_is_pruned(ada, bob, upstream):
    await bob.does("services", "add", "by-hand", "--target", upstream.url)
    bob.write("theirs.yaml", services={"theirs": at(upstream)})
    await bob.does("config", "apply", "theirs.yaml", "--yes")
    ada.write("mine.yaml", services={"mine": at(upstream), "gone": at(upstream)})
    await ada.does("config", "apply", "mine.yaml", "--yes")
    ada.write("mine.yaml", services={"mine": at(upstream)})
    applied = await ada.does("config", "apply", "mine.yaml", "--yes")
    assert [line for line in applied.splitlines() if line[0] in "+~-"] == ["- service gone"]
    listed = json.loads(await ada.does("services", "list", "--json"))["items"]
    owners = {one["name"]: one["owner"] for one in listed}
    assert (owners["by-hand"], owners["theirs"], owners["mine"]) == ("api", "theirs", "mine")
    assert (owners["crm"], "gone" in owners) == ("gateway.yaml", False)


async def test_two_operators_at_once(ada, bob, upstream):
    """Ada looks at her plan while Bob applies his: her yes comes too late, and she is shown what holds now."""
    ada.write("ada.yaml", services={"late": at(upstream, prefix="/ada")})
    bob.write("bob.yaml", services={"mail": at(upstream)})
    terminal, stdin = pty.openpty()
    try:
        process = await ada.starts("config", "apply", "ada.yaml", stdin=stdin)
        async with asyncio.timeout(PATIENCE):
            await process.stderr.readuntil(b"Apply this?")
            await bob.does("config", "apply", "bob.yaml", "--yes")
            os.write(terminal, b"y\n")
            out, err = await process.communicate()
    finally:
        os.close(terminal)
        os.close(stdin)
    assert process.returncode == 5
    assert b"+ service late" in out
    assert b"plan again" in err
    assert "late" not in await ada.does("services", "list")
    await ada.does("config", "apply", "ada.yaml", "--yes")
    assert "late" in await ada.does("services", "list")


async def test_both_at_the_same_moment(ada, bob, upstream):
    """Of two that began with the same version one is applied; the other is too, or is told to plan again."""
    ada.write("all-a.yaml", services={f"a{number}": at(upstream) for number in range(30)})
    bob.write("all-b.yaml", services={f"b{number}": at(upstream) for number in range(30)})
    files = {ada: "all-a.yaml", bob: "all-b.yaml"}
    processes = {who: await who.starts("config", "apply", file, "--yes") for who, file in files.items()}
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(process.communicate() for process in processes.values()))
    codes = {who: process.returncode for who, process in processes.items()}
    assert 0 in codes.values()
    assert set(codes.values()) <= {0, 5}
    for who, code in codes.items():
        await who.does("config", "diff", files[who], code=0 if code == 0 else 2)


async def test_by_hand_and_seen_in_the_traffic(gateway, ada, upstream):
    await ada.does("services", "add", "byhand", "--target", upstream.url, "--prefix", "/v2")
    assert (await gateway.get("/byhand/x")).status == 200
    await ada.does("routes", "add", "byhand", "/only/{id:int}", "--method", "GET", "--role", "manager")
    assert (await gateway.get("/byhand/only/7")).status == 403
    assert (await gateway.get("/byhand/only/7", bearer(roles=("manager",)))).status == 200
    await ada.does("routes", "remove", "byhand", "GET /only/{id:int}", "--yes")
    assert (await gateway.get("/byhand/only/7")).status == 200
    await ada.does("targets", "add", "byhand", "http://[::1]:9", "--weight", "0")
    await ada.does("targets", "remove", "byhand", "http://[::1]:9", "--yes")
    await ada.does("services", "drain", "byhand", "--yes")
    assert (await gateway.get("/byhand/x")).status == 503


async def test_a_key_is_shown_once_and_refused_when_it_is_revoked(gateway, ada):
    key = (
        await ada.does("keys", "issue", "--tenant", TENANT, "--user", "importer", "--role", "client")
    ).strip()
    assert (await gateway.get("/crm/x", f"X-API-Key: {key}")).status == 200
    listed = await ada.does("keys", "list", "--tenant", TENANT, "--json")
    assert key not in listed
    (known,) = json.loads(listed)["items"]
    await ada.does("keys", "revoke", known["id"], "--tenant", TENANT, "--yes")

    async def refused() -> bool:
        return (await gateway.get("/crm/x", f"X-API-Key: {key}")).status == 401

    await eventually(refused, "the key is refused")


async def test_events_as_they_happen(ada):
    process = await ada.starts("events", "--follow", "--type", "ServiceRegistered", "--json")
    try:
        told = asyncio.ensure_future(process.stdout.readline())
        number = 0
        async with asyncio.timeout(PATIENCE):
            while not told.done():  # it may be listening from any of these on
                number += 1
                await ada.does("services", "add", f"s{number}", "--target", "http://127.0.0.1:9")
        assert json.loads(told.result())["service"].startswith("s")
    finally:
        process.kill()
        await process.communicate()
    kept = await ada.does("events", "--type", "ServiceRegistered")
    assert all(f"service=s{one}" in kept for one in range(1, number + 1))


async def test_the_record_holds(ada):
    await ada.does("limits", "set", "default", "500/60s")
    head = (await ada.does("audit", "head")).strip()
    await ada.does("limits", "remove", "default", "--yes")
    assert "platform" in await ada.does("audit", "verify", "--expect", head)
    await ada.does("audit", "verify", "--expect", f"999:{head.partition(':')[2]}", code=6)


async def test_who_may_not_and_who_is_not_there(ada, tmp_path):
    ada.environ["BRAIN_GATEWAY_TOKEN"] = token(roles=("client",))
    assert "super_admin" in await ada.does("config", "export", code=4)
    ada.environ["BRAIN_GATEWAY_TOKEN"] = "nothing"
    await ada.does("services", "list", code=4)
    ada.environ["BRAIN_GATEWAY_URL"] = "http://127.0.0.1:9"
    process = await ada.starts("services", "list")
    out, err = await process.communicate()
    assert (process.returncode, out) == (3, b"")
    assert b"cannot be reached" in err
