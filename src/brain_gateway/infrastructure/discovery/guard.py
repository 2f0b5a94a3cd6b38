"""The address guard: names are resolved by the system, and what they resolve to is judged.

A tenant can name hosts whose name servers never answer. So these names are resolved by threads of their own: those of
the event loop, which resolve the platform's names, are few, and a look-up that was begun cannot be cancelled.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from brain_gateway.domain.errors import UpstreamUnreachable
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.routing.target_rule import TargetRule

THREADS = 8
Resolve = Callable[[str, int], Sequence[Any]]
"""What a name resolves to, as getaddrinfo(3) has it. Blocking; raises OSError."""


def _system(host: str, port: int) -> Sequence[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class SystemAddressGuard:
    """AddressGuard by getaddrinfo(3): a name that gives inner addresses as well is used by its outer ones alone.

    Who asks for a name that is being looked up waits for that answer. Threads are made when they are needed.
    """

    def __init__(self, rule: TargetRule, resolve: Resolve = _system) -> None:
        self._rule = rule
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(THREADS, "tenants-names")
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[Any]]] = {}

    def close(self) -> None:
        """Begin no more look-ups; those that wait are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def address_of(self, target: Target) -> str:
        """See the port."""
        try:
            found = await asyncio.shield(self._look_up(target.host, target.port))
        except (OSError, UnicodeError) as error:
            raise UpstreamUnreachable("no connection to the service") from error
        for address in (str(place[0]) for *_, place in found):
            if self._rule.permits_address(address):
                return address
        raise UpstreamUnreachable("no connection to the service")

    def _look_up(self, host: str, port: int) -> asyncio.Future[Sequence[Any]]:
        """The answer that is on its way, for as many as ask."""
        key = host, port
        under_way = self._under_way.get(key)
        if under_way is None:
            loop = asyncio.get_running_loop()
            under_way = self._under_way[key] = loop.run_in_executor(self._threads, self._resolve, host, port)
            under_way.add_done_callback(lambda done: self._answered(key, done))
        return under_way

    def _answered(self, key: tuple[str, int], done: asyncio.Future[Sequence[Any]]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # who asked may have gone
