"""What can be listened to, over a WebSocket (graphql-transport-ws)."""

from collections.abc import AsyncGenerator

import strawberry
from sqlalchemy import select

from shop import models
from shop.context import Info
from shop.models import now
from shop.sales import Order, OrderCreated


@strawberry.type
class Subscription:
    """The entry points for listening."""

    @strawberry.subscription
    async def order_created(
        self, info: Info, channels: list[str] | None = None
    ) -> AsyncGenerator[OrderCreated, None]:
        """The tenant's orders as they are placed, from now on; with `channels` only those sold there."""
        async for order_id in info.context.feed.listen(info.context.tenant):
            async with info.context.database.read() as session:
                row = await session.scalar(select(models.Order).where(models.Order.id == order_id))
            if row is not None and (not channels or row.channel.slug in channels):
                yield OrderCreated(issued_at=now(), order=Order.of(row))
