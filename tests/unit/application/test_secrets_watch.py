"""The watch asks now and then, remembers, and tells what is new."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.application.secrets_watch import SecretsWatch
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.anyio


async def test_it_tells_each_change_once_and_answers_from_memory():
    secrets, told, turns = FakeSecrets(), [], asyncio.Queue()

    async def sleep(seconds: float) -> None:
        assert seconds == 7.0
        await turns.get()

    watch = SecretsWatch(secrets, lambda health: told.append(health.status), 7.0, sleep)
    assert watch.part() == {"status": "unknown"}
    async with watch:
        await asyncio.sleep(0)
        assert watch.part() == {"status": "ok"}
        secrets.status, secrets.detail = SecretsStatus.SEALED, "Vault is sealed"
        assert watch.part() == {"status": "ok"}
        for _ in range(2):
            turns.put_nowait(None)
            for _ in range(20):
                await asyncio.sleep(0)
        assert watch.part() == {"status": "sealed", "detail": "Vault is sealed"}
    assert told == [SecretsStatus.OK, SecretsStatus.SEALED]
    turns.put_nowait(None)
    await asyncio.sleep(0)
    assert len(told) == 2


async def test_leaving_without_entering_is_harmless():
    await SecretsWatch(FakeSecrets()).__aexit__(None, None, None)
