"""What can be the matter with the file, and what is said of it (the port itself: tests/contracts/test_secrets.py)."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.secrets import FILE, FileSecrets
from tests.builders.planted import CREDENTIAL, MARKER

pytestmark = pytest.mark.anyio
OLD, NEW = b"o" * 32, b"n" * 32
PATH = SecretPath("0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a", "stripe")
VALUES = {"api_key": Secret(CREDENTIAL)}


def store(folder: Path, *keys: bytes) -> FileSecrets:
    return FileSecrets(folder, lambda: keys or (OLD,))


async def said(secrets: FileSecrets) -> str:
    """The detail of a refused read, and that writing and health say the same and the file stays as it is."""
    before = (secrets._file.path.read_bytes(), secrets._file.path.stat().st_ino)
    with pytest.raises(SecretsUnavailable) as caught:
        await secrets.read(PATH)
    detail = caught.value.detail
    with pytest.raises(SecretsUnavailable) as caught:
        await secrets.write(PATH, VALUES)
    assert caught.value.detail == detail
    health = await secrets.health()
    assert (health.status, health.detail) == (SecretsStatus.UNREACHABLE, detail)
    assert (secrets._file.path.read_bytes(), secrets._file.path.stat().st_ino) == before
    assert MARKER not in detail
    return detail


async def test_another_key_names_the_variable(tmp_path):
    await store(tmp_path, OLD).write(PATH, VALUES)
    assert (await said(store(tmp_path, NEW))).startswith("SECRETS_KEY: none of its keys opens secrets.json")
    assert (await store(tmp_path, NEW, OLD).read(PATH)) == VALUES


@pytest.mark.parametrize("size", [0, 1, 100, -1])
async def test_a_file_that_is_cut_off_is_refused_and_kept(tmp_path, size):
    await store(tmp_path).write(PATH, VALUES)
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes()[:size])
    assert "secrets.json is damaged (cut off or changed) and is left as it is" in await said(store(tmp_path))


async def test_a_file_that_others_may_read_is_refused(tmp_path):
    await store(tmp_path).write(PATH, VALUES)
    (tmp_path / FILE).chmod(0o640)
    assert "readable by its owner alone" in await said(store(tmp_path))


async def test_a_full_disk_changes_nothing(tmp_path, monkeypatch):
    secrets = store(tmp_path)
    await secrets.write(PATH, VALUES)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SecretsUnavailable, match="No space left on device"):
            await secrets.write(PATH, {"a": Secret("2")})
    assert await secrets.read(PATH) == VALUES
    assert await secrets.write(PATH, VALUES, expected_version=1) == 2


_LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from brain_gateway.domain.errors import SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.secrets import FileSecrets
store = FileSecrets(Path(sys.argv[1]), lambda: (b"o" * 32,))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    asyncio.run(store.write(SecretPath(None, "big"), {"a": Secret("x" * 5000)}))
except SecretsUnavailable as error:
    print(error.detail)
"""


async def test_a_write_that_the_system_cuts_off(tmp_path):
    """The write itself fails half-way, as on a full disk."""
    await store(tmp_path).write(PATH, VALUES)
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this test
        [sys.executable, "-c", _LIMITED, tmp_path], capture_output=True, text=True, check=True
    )
    assert "cannot be read or written (File too large); it is unchanged" in done.stdout
    assert await store(tmp_path).read(PATH) == VALUES
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "secrets.lock"]


async def test_without_a_key_nothing_is_stored_and_reading_finds_nothing(tmp_path):
    secrets = FileSecrets(tmp_path / "data", tuple)
    with pytest.raises(SecretNotFound):
        await secrets.read(PATH)
    assert (await secrets.health()).status is SecretsStatus.OK
    await secrets.delete(PATH)
    assert await secrets.rotate() == 0
    with pytest.raises(SecretsUnavailable, match="SECRETS_KEY: must be set to keep secrets in a file"):
        await secrets.write(PATH, VALUES)
    assert not (tmp_path / "data").exists()


async def test_keys_are_asked_for_only_when_they_are_needed(tmp_path):
    def refuse() -> tuple[bytes, ...]:
        raise AssertionError("not yet")

    secrets = FileSecrets(tmp_path, refuse)
    with pytest.raises(SecretNotFound):
        await secrets.read(PATH)
    assert await secrets.names(None) == ()


async def test_rotation_leaves_nothing_that_the_old_key_opens(tmp_path):
    await store(tmp_path, OLD).write(PATH, VALUES)
    assert await store(tmp_path, NEW, OLD).rotate() == 1
    assert await store(tmp_path, NEW).read(PATH) == VALUES
    assert "SECRETS_KEY" in await said(store(tmp_path, OLD))


async def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SecretsUnavailable, match="cannot be read or written"):
        await store(tmp_path / "file" / "below").write(PATH, VALUES)


_WRITER = """
import asyncio, sys
from pathlib import Path
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.secrets import FileSecrets
async def main(folder, mark):
    store = FileSecrets(Path(folder), lambda: (b"o" * 32,))
    for number in range(25):
        await store.write(SecretPath(None, f"{mark}-{number}"), {"a": Secret(mark)})
asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_write_at_once_lose_nothing(tmp_path):
    commands = [[sys.executable, "-c", _WRITER, str(tmp_path), mark] for mark in "abc"]
    processes = [await asyncio.create_subprocess_exec(*command) for command in commands]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert len(await store(tmp_path).names(None)) == 75
