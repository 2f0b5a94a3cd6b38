"""Every golden case over both entries of the proxy."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.builders.raw_server import closed_port
from tests.golden.runner import Run
from tests.golden.table import ENTRIES, known_credentials, load
from tests.live.harness.credentials import API_KEY_HASH
from tests.live.harness.gateway import request, running_gateway
from tests.live.harness.upstream import scripted_upstream

pytestmark = pytest.mark.anyio
CASES = load()
CONFIG = Path(__file__).with_name("gateway.yaml")


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def values():
    return known_credentials()


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as service:
        yield service


@pytest.fixture(scope="module")
async def gateways(upstream, tmp_path_factory):
    variables = {
        "UPSTREAM": upstream.url,
        "NOBODY": f"http://127.0.0.1:{closed_port()}",
        "API_KEY_HASH": API_KEY_HASH,
        "TRUSTED_PROXIES": "127.0.0.2",
        "MAX_HEADER_BYTES": "8192",
        "MAX_HEADER_COUNT": "40",
        "MAX_TARGET_BYTES": "1024",
    }
    async with contextlib.AsyncExitStack() as stack:
        yield {
            entry: await stack.enter_async_context(
                running_gateway(tmp_path_factory.mktemp(entry), CONFIG, entry=entry, **variables)
            )
            for entry in ENTRIES
        }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_golden(case, gateways, upstream, values):
    await Run(case, gateways[case.entry], upstream, values).run()


# Names that are not there, not for this caller, or not offered to anybody; with every kind of caller.
HIDDEN = ("nothing", "ledger", "temporal", "redis")
CALLERS = ("<client>", "<manager>", "<super_admin>", "<key>", "<forged>", "<expired>", "")


@pytest.mark.parametrize("entry", ENTRIES)
async def test_what_is_not_offered_looks_like_what_is_not_there(entry, gateways, upstream, values):
    seen = set()
    for name in HIDDEN:
        for caller in CALLERS:
            line = values[caller] if caller else ""
            text = request("GET", f"/{name}/x", line, "X-Request-ID: r-1", "Origin: https://app.example.com")
            answer = await gateways[entry].ask(text)
            lines = [line for line in answer.head.split(b"\r\n") if not line.lower().startswith(b"date:")]
            seen.add((b"\r\n".join(lines), answer.body))
    assert len(seen) == 1, "\n".join(map(str, seen))


def test_each_name_is_used_once():
    names = [(case.entry, case.content["name"]) for case in CASES]
    assert len(names) == len(set(names))
