"""What all tests share: asyncio as the event loop, and hypothesis without deadlines.

A slow machine is no fault of the code.

A run in whose output a planted secret is found fails (tests/builders/leak_watch.py).
HYPOTHESIS_PROFILE=thorough searches ten times as long as the default.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.builders.leak_watch import pytest_configure
from tests.live.harness.postgres import postgres, postgres_server

__all__ = ["postgres", "postgres_server", "pytest_configure"]  # the fixtures start when they are asked for

settings.register_profile("untimed", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "untimed"))


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"
