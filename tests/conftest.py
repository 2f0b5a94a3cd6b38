"""What all tests share: asyncio as the event loop, and hypothesis without deadlines.

A slow machine is no fault of the code.

A run in whose output a planted secret is found fails (tests/builders/leak_watch.py).
Long files come first, and there are more processes than cores, so that all are busy to the end and while some wait.
HYPOTHESIS_PROFILE=thorough searches ten times as long as the default.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.builders.leak_watch import pytest_configure
from tests.live.harness.postgres import postgres, postgres_server

__all__ = ["postgres", "postgres_server", "pytest_configure"]  # the fixtures start when they are asked for

LONGEST = (
    "live/test_live_configuration", "live/test_lifecycle", "live/test_integrations", "live/test_bad_days_stores",
    "live/test_secret_references", "live/test_planted", "live/test_discovery", "live/test_shared_limits",
    "live/", "contracts/", "golden/",
)  # fmt: skip

settings.register_profile("untimed", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "untimed"))


def pytest_xdist_auto_num_workers() -> int:
    """Tests of processes and sockets wait for half of their time."""
    return -(-len(os.sched_getaffinity(0)) * 3 // 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest is begun first (with --no-loadscope-reorder, which would begin with what has most tests)."""
    items.sort(
        key=lambda item: next((at for at, part in enumerate(LONGEST) if part in item.nodeid), len(LONGEST))
    )


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"
