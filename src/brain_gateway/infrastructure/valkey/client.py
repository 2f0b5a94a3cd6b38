"""A client of one server or of a Cluster, whichever its address turns out to be.

The first command that reaches the server is CLUSTER SLOTS. One that has no Cluster is used as the library does it;
for a Cluster see `cluster`.
"""

from __future__ import annotations

from typing import Any, Self

from redis.asyncio import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.client import Pipeline, PubSub
from redis.exceptions import AskError, ResponseError

from brain_gateway.infrastructure.valkey.cluster import Cluster, ask_for_table
from brain_gateway.infrastructure.valkey.cluster_slots import Address


class Client(Redis):
    """The library's client with `pool`, which is its own from now on."""

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self.router: Cluster | None = None
        self._settled = _is_local(pool)

    async def initialize(self) -> Self:
        """Find out what there is; at once when it is known. Raises RedisError while it cannot be reached."""
        while not self._settled:
            pool = self.connection_pool
            router = await _cluster_behind(pool)
            if pool is self.connection_pool and not self._settled:
                self.router, self._settled = router, True
        return self

    async def lead_to(self, pool: ConnectionPool) -> None:
        """Use this one from now on; what is under way is given up."""
        old, self.connection_pool = self.connection_pool, pool
        router, self.router, self._settled = self.router, None, _is_local(pool)
        await old.aclose()
        if router is not None:
            await router.aclose()

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """As the library's."""
        if self.router is not None:
            await self.router.aclose()
        await super().aclose(close_connection_pool)

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the library's
        """As the library's."""
        if not self._settled:
            await self.initialize()
        if self.router is None:
            try:
                return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # likewise
            except AskError:
                self.unsettle()
                raise
        [answer] = await self.router.run([(args, options)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """As the library's, one that is no transaction."""
        return RoutedPipeline(self, transaction, shard_hint)

    def pubsub(self, **options: Any) -> PubSub:
        """As the library's. All nodes of a Cluster hear all channels; it listens to one that is there."""
        return RoutedPubSub(self, **options)

    def unsettle(self) -> None:
        """There may be something else by now."""
        self._settled = self.router is not None


class RoutedPipeline(Pipeline):
    """The library's pipeline; on a Cluster its commands are divided among the nodes."""

    def __init__(self, client: Client, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """As the library's; an error among the answers may also be that of a connection."""
        await self._client.initialize()
        router = self._client.router
        if router is None:
            return await self._of_one(raise_on_error)
        answers = await router.run(self.command_stack)
        await self.reset()  # type: ignore[no-untyped-call]  # the library's has no types
        if raise_on_error and (errors := [answer for answer in answers if isinstance(answer, Exception)]):
            raise errors[0]
        return answers

    async def _of_one(self, raise_on_error: bool) -> list[Any]:
        try:
            answers: list[Any] = await super().execute(raise_on_error)
        except AskError:
            self._client.unsettle()
            raise
        if not raise_on_error and any(isinstance(answer, AskError) for answer in answers):
            self._client.unsettle()
        return answers


class RoutedPubSub(PubSub):
    """The library's; it finds its server when it connects."""

    def __init__(self, client: Client, **options: Any) -> None:
        super().__init__(client.connection_pool, **options)
        self._client = client

    async def connect(self) -> None:
        """As the library's."""
        if self.connection is None:
            await self._client.initialize()
            router = self._client.router
            self.connection_pool = self._client.connection_pool if router is None else await router.home()
        await super().connect()  # type: ignore[no-untyped-call]  # likewise


def _is_local(pool: ConnectionPool) -> bool:
    """A Unix socket is a server of this machine; no Cluster has one."""
    return issubclass(pool.connection_class, UnixDomainSocketConnection)


async def _cluster_behind(pool: ConnectionPool) -> Cluster | None:
    """None: it is one server, or does not say what it is."""

    def connect(address: Address) -> Redis:
        options = {**pool.connection_kwargs, "host": address[0], "port": address[1]}
        return Redis.from_pool(ConnectionPool(pool.connection_class, **options))

    seed = Redis(connection_pool=pool)
    try:
        return Cluster(connect, seed, await ask_for_table(seed))
    except (ResponseError, ValueError):
        return None
