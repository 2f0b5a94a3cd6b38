"""Every golden case over both entries of the proxy."""

from __future__ import annotations

import pytest

from tests.builders.raw_server import closed_port
from tests.golden.runner import Run
from tests.golden.table import ENTRIES, Case, known_credentials, load
from tests.live.harness.credentials import API_KEY_HASH
from tests.live.harness.gateway import running_gateway
from tests.live.harness.upstream import scripted_upstream

pytestmark = pytest.mark.anyio
CASES = load()


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


@pytest.fixture(scope="module", params=ENTRIES)
async def gateway(request, upstream, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    config = request.path.with_name("gateway.yaml")
    async with running_gateway(
        folder,
        config,
        entry=request.param,
        UPSTREAM=upstream.url,
        NOBODY=f"http://127.0.0.1:{closed_port()}",
        API_KEY_HASH=API_KEY_HASH,
        TRUSTED_PROXIES="127.0.0.2",
        MAX_HEADER_BYTES="8192",
        MAX_HEADER_COUNT="40",
        MAX_TARGET_BYTES="1024",
    ) as started:
        yield started


@pytest.mark.parametrize(
    ("gateway", "case"),
    [(case.entry, case) for case in sorted(CASES, key=lambda case: ENTRIES.index(case.entry))],
    indirect=["gateway"],
    ids=lambda value: value.id if isinstance(value, Case) else value,
)
async def test_golden(gateway, case, upstream, values):
    await Run(case, gateway, upstream, values).run()


def test_each_name_is_used_once():
    names = [(case.entry, case.content["name"]) for case in CASES]
    assert len(names) == len(set(names))
