"""What a resolver knows besides its arguments: the database, the order feed, and for whom it works."""

import uuid
from dataclasses import dataclass

import strawberry
from graphql import GraphQLError

from shop.database import Database
from shop.feed import OrderFeed


@dataclass(slots=True)
class ShopContext:
    """One request's (or one subscriber's) context; the tenant is as the gateway says, in X-Tenant-ID."""

    database: Database
    feed: OrderFeed
    tenant_id: uuid.UUID | None

    @property
    def tenant(self) -> uuid.UUID:
        """The tenant; GraphQLError where nobody said which."""
        if self.tenant_id is None:
            extensions = {"exception": {"code": "PermissionDenied"}}
            raise GraphQLError(
                "Checkouts and orders belong to a tenant: come through the gateway, which sets X-Tenant-ID.",
                extensions=extensions,
            )
        return self.tenant_id


Info = strawberry.Info[ShopContext, None]
