"""A gateway in front of a scripted service, and the configurations that the tests start from."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.harness.gateway import Gateway, running_gateway
from tests.live.harness.upstream import Upstream, scripted_upstream

_ENDLESS = {"requests": 1_000_000, "window": 60}


@dataclass
class Rig:
    """The two processes of most tests (the service lives in the test's own)."""

    gateway: Gateway
    upstream: Upstream


def service(*urls: str, **policy: Any) -> dict[str, Any]:
    """A service without probes, whose breaker stays closed unless the policy says otherwise."""
    return {"targets": list(urls), "probe": {"type": "none"}, "breaker": {"failures": 1_000_000}, **policy}


def configuration(services: Mapping[str, Any], tenants: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """These services and no others, with limits that no test reaches."""
    limits = dict.fromkeys(("default", "agents", "admin", "public"), _ENDLESS)
    return {
        "packaged_services": False,
        "limits": limits,
        "services": dict(services),
        "tenants": dict(tenants or {}),
    }


@contextlib.asynccontextmanager
async def running_rig(
    folder: Path, policies: Mapping[str, Mapping[str, Any]], **options: Any
) -> AsyncIterator[Rig]:
    """A scripted service offered under several names, each with its own policy (`targets` replaces its own).

    `options` as of `running_gateway`; environment variables among them.
    """
    async with scripted_upstream() as upstream:
        services = {name: {**service(upstream.url), **policy} for name, policy in policies.items()}
        async with running_gateway(folder, configuration(services), **options) as gateway:
            yield Rig(gateway, upstream)
