"""Discovery by DNS: A and AAAA (RFC 1035, RFC 3596) and SRV (RFC 2782), each answer for as long as its TTL says."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered
from brain_gateway.domain.routing.discovery import Instance, Lookup, RecordType
from brain_gateway.infrastructure.discovery.questions import DeniedError, Found, Questions, SilentError
from brain_gateway.infrastructure.discovery.srv import SrvRecord, first_choice, no_service, shares
from brain_gateway.infrastructure.discovery.system import is_local, system_addresses

PATIENCE = 5.0  # seconds that one look-up may take, whatever it asks
MOST_AT_ONCE = 32  # look-ups under way
MOST_THREADS = 2  # of those, how many may be with the system's resolver
MOST_INSTANCES = 256
SYSTEM_TTL = 10.0  # seconds


class DnsDiscovery:
    """Asks the servers of /etc/resolv.conf; addresses that they deny may be known to the system (hosts file).

    `server` ("address:port", IPv6 in brackets) is asked in their place, and then nobody else is. CNAMEs are
    followed, and truncated answers fetched by TCP.
    """

    def __init__(self, server: str | None = None) -> None:
        self._alone = server is not None
        self._questions = Questions(server)
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._threads = asyncio.Semaphore(MOST_THREADS)

    async def resolve(self, lookup: Lookup, version: str = "") -> Discovered | NotDiscovered:
        """See the port ServiceDiscovery. DNS has no versions, and answers at once."""
        async with self._slots:
            try:
                async with asyncio.timeout(PATIENCE):
                    if lookup.record == RecordType.SRV:
                        return await self._services(lookup.name)
                    found, ttl = await self._addresses(lookup.name, lookup.record)
            except DeniedError as error:
                return NotDiscovered(str(error), denied=True)
            except SilentError as error:
                return NotDiscovered(str(error))
            except TimeoutError:
                return NotDiscovered(f"no answer within {PATIENCE:g} s")
        return Discovered(tuple(map(Instance, found[:MOST_INSTANCES])), ttl)

    async def _addresses(self, name: str, record: str) -> Found:
        if is_local(name):
            return await self._system(name, record)
        try:
            return await self._asked(name, record)
        except DeniedError:
            if self._alone:
                raise
            return await self._system(name, record)

    async def _asked(self, name: str, record: str) -> Found:
        """By DNS. AUTO is A, and AAAA where there is none: both are mostly one machine, and IPv6 may lead nowhere."""
        if record != RecordType.AUTO:
            return _usable(await self._questions.addresses(name, record))
        try:
            return _usable(await self._questions.addresses(name, RecordType.A))
        except DeniedError:
            return _usable(await self._questions.addresses(name, RecordType.AAAA))

    async def _system(self, name: str, record: str) -> Found:
        async with self._threads:
            return _usable((await system_addresses(name, record), SYSTEM_TTL))

    async def _services(self, name: str) -> Discovered:
        records, along, ttl = await self._questions.services(name)
        if no_service(records):
            return Discovered((), ttl)
        chosen = first_choice(records)[:MOST_INSTANCES]
        places = await asyncio.gather(*(self._place(record, along) for record in chosen))
        weights = shares([record.weight for record in chosen])
        instances = [
            Instance(address, record.port, weight)
            for record, weight, (addresses, _) in zip(chosen, weights, places, strict=True)
            for address in addresses
        ]
        if not instances:
            raise DeniedError("its SRV records name no host that has an address")
        return Discovered(tuple(instances[:MOST_INSTANCES]), min(ttl, *(life for _, life in places)))

    async def _place(self, record: SrvRecord, along: dict[str, Found]) -> Found:
        """Where a record's host is; a host without an address is passed over, one that is not answered for is not."""
        try:
            if record.target in along:
                return _usable(along[record.target])
            return await self._addresses(record.target, RecordType.AUTO)
        except DeniedError:
            return (), float("inf")


def _usable(found: Found) -> Found:
    """Without what nobody can connect to, 0.0.0.0 above all: a blocked name, which would lead to this machine."""
    addresses = [(text, ip_address(text)) for text in found[0]]
    kept = tuple(
        text
        for text, one in addresses
        if not (one.is_unspecified or one.is_multicast or (one.version == 6 and one.is_link_local))
    )
    if not kept:
        raise DeniedError("its addresses are none that can be connected to")
    return kept, found[1]
