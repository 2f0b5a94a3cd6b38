"""Guarded targets are asked by address, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.policies import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.guarded import GuardedProbe
from tests.fakes.address_guard import KnownAddresses

pytestmark = pytest.mark.anyio
TARGET = Target.parse("http://files.example:8000")


class KeptTargets:
    """A probe that finds everything well and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Target] = []

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        self.asked.append(target)
        return ProbeResult(True, 0.01, "status 200")


async def test_other_targets_are_asked_as_they_are():
    inner, guard = KeptTargets(), KnownAddresses()
    assert (await GuardedProbe(inner, guard).check(TARGET, ProbePolicy())).ok
    assert (inner.asked, guard.asked) == ([TARGET], [])


async def test_a_guarded_target_is_asked_by_its_address_under_its_name():
    inner = KeptTargets()
    guard = KnownAddresses(**{"files.example": "93.184.216.34"})
    await GuardedProbe(inner, guard).check(replace(TARGET, guarded=True), ProbePolicy())
    (asked,) = inner.asked
    assert (asked.host, asked.server_name, asked.port) == ("93.184.216.34", "files.example", 8000)


async def test_a_guarded_target_without_a_permitted_address_is_unwell_and_not_asked():
    inner = KeptTargets()
    result = await GuardedProbe(inner, KnownAddresses()).check(replace(TARGET, guarded=True), ProbePolicy())
    assert (result.ok, inner.asked) == (False, [])
    assert "files" not in result.detail
