"""Single questions to DNS, by dnspython: records as plain values, and two ways to get none."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from brain_gateway.infrastructure.discovery.srv import SrvRecord

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.rdtypes.IN.SRV import SRV
    from dns.resolver import Answer

PAYLOAD = 1232  # bytes of a UDP answer that no network fragments (DNS Flag Day 2020)
EACH, LONGEST = 1.5, 4.0  # seconds for one server, and for one question
Addresses = tuple[str, ...]
Found = tuple[Addresses, float]
"""Addresses, and for how many seconds they hold: the least TTL of all records that led to them."""


class DeniedError(Exception):
    """The answer is that there is no such name, or no such record of it."""


class SilentError(Exception):
    """No answer, or none that could be used."""


class Questions:
    """Asks `server` ("address:port", IPv6 in brackets), or, with None, those that /etc/resolv.conf names.

    Names without a final dot are completed by the search list there. TTLs are in seconds.
    """

    def __init__(self, server: str | None = None) -> None:
        self._server = server
        self._resolver: Resolver | None = None

    async def addresses(self, name: str, record: str) -> Found:
        """A or AAAA records. Raises DeniedError and SilentError."""
        answer = await self._ask(name, record)
        return tuple(data.to_text() for data in answer), float(answer.chaining_result.minimum_ttl)

    async def services(self, name: str) -> tuple[list[SrvRecord], dict[str, Found], float]:
        """SRV records, with the addresses of their targets that came along. Raises DeniedError and SilentError."""
        answer = await self._ask(name, "SRV")
        records = [
            SrvRecord(one.priority, one.weight, one.port, one.target.to_text().lower())
            for one in (cast("SRV", data) for data in answer)
        ]
        return records, _brought_along(answer), float(answer.chaining_result.minimum_ttl)

    async def _ask(self, name: str, record: str) -> Answer:
        # dnspython is imported by the first question: a gateway that looks nothing up does not pay for it.
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN

        try:
            resolver = self._resolver = self._resolver or _resolver(self._server)
            answer = await resolver.resolve(name, record, search=True, raise_on_no_answer=False)
        except NXDOMAIN:
            raise DeniedError("there is no such name") from None
        except (DNSException, OSError):
            self._resolver = None  # the next question reads resolv.conf anew: the servers may be others now
            raise SilentError("no name server gave an answer") from None
        if answer.rrset is None:
            raise DeniedError(f"the name has no {record} record")
        return answer


def _resolver(server: str | None) -> Resolver:
    """Raises NoResolverConfiguration (a DNSException) when resolv.conf names no server."""
    import dns.name
    from dns.asyncresolver import Resolver

    resolver = Resolver(configure=server is None)
    if server is not None:
        host, _, port = server.rpartition(":")
        resolver.port = int(port)
        resolver.nameservers = [host.strip("[]")]
        resolver.domain = dns.name.root
    resolver.timeout, resolver.lifetime = EACH, LONGEST
    resolver.use_edns(0, 0, PAYLOAD)
    return resolver


def _brought_along(answer: Answer) -> dict[str, Found]:
    """The addresses of the additional section, by name; IPv4 where there are both."""
    from dns.rdatatype import AAAA, A

    found: dict[str, Found] = {}
    for kind in (AAAA, A):
        for group in answer.response.additional:
            if group.rdtype == kind:
                addresses = tuple(data.to_text() for data in group)
                found[group.name.to_text().lower()] = addresses, float(group.ttl)
    return found
