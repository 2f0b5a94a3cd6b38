"""A real OpenBao (Vault's API) from its wheel: with policies, AppRoles, namespaces; sealed, stopped, started anew."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.builders.raw_server import closed_port
from tests.live.harness.wire import PATIENCE

COMMAND = Path(sys.executable).with_name("bao")
ROOT_TOKEN = "openbao-prints-this-one"


class OpenBao:
    """A development server (in memory, open) or, with `sealable`, one on files that can be sealed and opened again."""

    def __init__(self, folder: Path, sealable: bool = False) -> None:
        self.port, self.cluster_port = closed_port(), closed_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ROOT_TOKEN
        self._folder = folder
        self._sealable = sealable
        self._unseal_key = ""
        self.http = httpx.Client(base_url=self.address + "/v1/", trust_env=False, timeout=PATIENCE)

    @property
    def address(self) -> str:
        """As VAULT_ADDR takes it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it at its address and open it."""
        command = [str(COMMAND), "server", *(self._config() if self._sealable else self._development())]
        with (self._folder / "openbao.out").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"HOME": str(self._folder), "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        self._wait()
        if self._sealable:
            self._initialise()
            self.unseal()

    def stop(self) -> None:
        """End it; what a sealable one keeps stays."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(PATIENCE)

    def pause(self) -> None:
        """It takes connections and answers nothing (SIGSTOP)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def seal(self) -> None:
        """Lock it."""
        self.ask("PUT", "sys/seal")

    def unseal(self) -> None:
        """Open it, and wait until it serves."""
        self.http.put("sys/unseal", json={"key": self._unseal_key}).raise_for_status()
        deadline = time.monotonic() + PATIENCE
        while self.http.get("sys/health").status_code != 200:
            assert time.monotonic() < deadline, "OpenBao stays sealed"
            time.sleep(0.02)
        self._serving()

    def ask(self, method: str, path: str, body: Any = None, *, namespace: str = "", token: str = "") -> Any:
        """One call as root (or with `token`); its JSON. Raises httpx.HTTPStatusError."""
        headers = {"X-Vault-Token": token or self.token}
        if namespace:
            headers["X-Vault-Namespace"] = namespace
        answer = self.http.request(method, path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def policy(self, name: str, *, namespace: str = "", **paths: str) -> None:
        """A policy from capabilities ("read list") by path."""
        rules = {path: {"capabilities": words.split()} for path, words in paths.items()}
        body = {"policy": json.dumps({"path": rules})}
        self.ask("PUT", f"sys/policies/acl/{name}", body, namespace=namespace)

    def new_token(self, *policies: str, namespace: str = "", **options: Any) -> str:
        """A token with these policies; options as of Vault's auth/token/create (ttl="2s", renewable=False)."""
        made = self.ask("POST", "auth/token/create", {"policies": policies, **options}, namespace=namespace)
        return str(made["auth"]["client_token"])

    def approle(self, name: str, *policies: str, **options: Any) -> tuple[str, str]:
        """Role id and secret id of a new role."""
        with contextlib.suppress(httpx.HTTPStatusError):  # it is enabled already
            self.ask("POST", "sys/auth/approle", {"type": "approle"})
        self.ask("POST", f"auth/approle/role/{name}", {"token_policies": policies, **options})
        role = self.ask("GET", f"auth/approle/role/{name}/role-id")["data"]["role_id"]
        secret = self.ask("POST", f"auth/approle/role/{name}/secret-id", {})["data"]["secret_id"]
        return str(role), str(secret)

    def _development(self) -> list[str]:
        listen = f"-dev-listen-address=127.0.0.1:{self.port}"
        return ["-dev", f"-dev-root-token-id={ROOT_TOKEN}", listen, "-dev-no-store-token"]

    def _config(self) -> list[str]:
        listener = {
            "tcp": {
                "address": f"127.0.0.1:{self.port}",
                "cluster_address": f"127.0.0.1:{self.cluster_port}",
                "tls_disable": True,
            }
        }
        (self._folder / "data").mkdir(exist_ok=True)
        raft = {"path": str(self._folder / "data"), "node_id": "1", "performance_multiplier": "1"}
        cluster = {"api_addr": self.address, "cluster_addr": f"http://127.0.0.1:{self.cluster_port}"}
        file = self._folder / "openbao.json"
        file.write_text(json.dumps({"storage": {"raft": raft}, "listener": listener, **cluster}))
        return [f"-config={file}"]

    def _wait(self) -> None:
        deadline = time.monotonic() + 2 * PATIENCE
        while True:
            assert self.process is not None
            assert self.process.poll() is None, (self._folder / "openbao.out").read_text()[-2000:]
            assert time.monotonic() < deadline, "OpenBao does not answer"
            with contextlib.suppress(httpx.TransportError):
                status = self.http.get("sys/health").status_code
                if status == 200 or self._sealable:
                    return
            time.sleep(0.02)

    def _initialise(self) -> None:
        """The first time: one key opens it, and there is an engine at secret/."""
        if self.http.get("sys/init").json()["initialized"]:
            return
        made = self.http.put("sys/init", json={"secret_shares": 1, "secret_threshold": 1})
        made.raise_for_status()
        self._unseal_key, self.token = made.json()["keys"][0], made.json()["root_token"]
        self.unseal()
        self.ask("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self._serving()

    def _serving(self) -> None:
        """Wait until the engine at secret/ is ready: for a moment after it was made or opened it answers 400."""
        deadline = time.monotonic() + PATIENCE
        headers = {"X-Vault-Token": self.token}
        while self.http.get("secret/data/nothing", headers=headers).status_code == 400:
            assert time.monotonic() < deadline, "the engine is not ready"
            time.sleep(0.02)


@contextlib.contextmanager
def running_openbao(folder: Path, *, sealable: bool = False) -> Iterator[OpenBao]:
    """A server for a test or a module; arguments as of `OpenBao`."""
    folder.mkdir(parents=True, exist_ok=True)
    server = OpenBao(folder, sealable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        server.http.close()
