"""A probe that asks guarded targets only where a tenant may send the gateway."""

from __future__ import annotations

from dataclasses import replace

from brain_gateway.application.ports.address_guard import AddressGuard
from brain_gateway.application.ports.probe import Probe, ProbeResult
from brain_gateway.domain.errors import UpstreamUnreachable
from brain_gateway.domain.routing.policies import ProbePolicy
from brain_gateway.domain.routing.target import Target


class GuardedProbe:
    """Probe in front of another one, which gets a guarded target as an address, with its name kept."""

    def __init__(self, probe: Probe, guard: AddressGuard) -> None:
        self._probe = probe
        self._guard = guard

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port."""
        if target.guarded:
            try:
                address = await self._guard.address_of(target)
            except UpstreamUnreachable:
                return ProbeResult(False, 0.0, "not an address that a tenant may name")
            target = replace(target, host=address, server_name=target.server_name)
        return await self._probe.check(target, policy)
