"""What can be asked."""

import uuid

import strawberry
from graphql import GraphQLError
from sqlalchemy import Select, select

from shop import models
from shop.catalogue import Category, Channel, Product, list_categories, list_products
from shop.context import Info
from shop.ids import decode_id, decode_key
from shop.pages import CountableConnection, Window, page
from shop.pages import Order as SortOrder
from shop.sales import Checkout, Order, OrderStatus
from shop.search import ProductFilterInput, ProductOrder, find_channel, select_products


@strawberry.input
class OrderFilterInput:
    """Which orders; what is left out does not narrow."""

    status: list[OrderStatus] | None = None
    customer: str | None = None
    numbers: list[str] | None = None


@strawberry.type
class Shop:
    """The shop itself."""

    name: str = "Harbour & Pine"
    description: str = "Coffee, and the tools for it."
    version: str = "1.0"


@strawberry.type
class Query:
    """The entry points for reading."""

    @strawberry.field
    def shop(self) -> Shop:
        """The shop itself."""
        return Shop()

    @strawberry.field
    async def product(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        slug: str | None = None,
        channel: str | None = None,
    ) -> Product | None:
        """One product, by its identifier or its slug."""
        wanted = _by_id_or_slug(ProductFilterInput, id, slug)
        async with info.context.database.read() as session:
            seller = await find_channel(session, channel)
            row = await session.scalar(select_products(seller, wanted))
        return Product.of(row, channel) if row else None

    @strawberry.field
    async def products(
        self,
        info: Info,
        filter: ProductFilterInput | None = None,
        sort_by: ProductOrder | None = None,
        search: str | None = None,
        channel: str | None = None,
        before: str | None = None,
        after: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> CountableConnection[Product]:
        """A page of products."""
        window = Window(first, after, last, before)
        return await list_products(info, window, filter, sort_by, search, channel)

    @strawberry.field
    async def category(
        self, info: Info, id: strawberry.ID | None = None, slug: str | None = None
    ) -> Category | None:
        """One category, by its identifier or its slug."""
        rows = _one_of(models.Category, "Category", id, slug)
        async with info.context.database.read() as session:
            row = await session.scalar(rows)
        return Category.of(row) if row else None

    @strawberry.field
    async def categories(
        self,
        info: Info,
        level: int | None = None,
        before: str | None = None,
        after: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> CountableConnection[Category]:
        """A page of categories."""
        return await list_categories(info, Window(first, after, last, before), level)

    @strawberry.field
    async def channel(
        self, info: Info, id: strawberry.ID | None = None, slug: str | None = None
    ) -> Channel | None:
        """One channel, by its identifier or its slug."""
        rows = _one_of(models.Channel, "Channel", id, slug)
        async with info.context.database.read() as session:
            row = await session.scalar(rows)
        return Channel.of(row) if row else None

    @strawberry.field
    async def channels(self, info: Info) -> list[Channel]:
        """Where the shop sells."""
        async with info.context.database.read() as session:
            rows = await session.scalars(select(models.Channel).order_by(models.Channel.id))
        return [Channel.of(row) for row in rows]

    @strawberry.field
    async def checkout(self, info: Info, id: strawberry.ID) -> Checkout | None:
        """One of the tenant's checkouts."""
        token = decode_id("Checkout", id)
        rows = _of_tenant(models.Checkout, info.context.tenant, token)
        async with info.context.database.read() as session:
            row = await session.scalar(rows)
        return Checkout.of(row) if row else None

    @strawberry.field
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:
        """One of the tenant's orders."""
        rows = _of_tenant(models.Order, info.context.tenant, decode_id("Order", id))
        async with info.context.database.read() as session:
            row = await session.scalar(rows)
        return Order.of(row) if row else None

    @strawberry.field
    async def orders(
        self,
        info: Info,
        filter: OrderFilterInput | None = None,
        channel: str | None = None,
        before: str | None = None,
        after: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> CountableConnection[Order]:
        """A page of the tenant's orders, newest first."""
        rows = _filtered(select(models.Order).where(models.Order.tenant_id == info.context.tenant), filter)
        newest_first = SortOrder(models.Order.number, models.Order.id, descending=True)
        async with info.context.database.read() as session:
            if seller := await find_channel(session, channel):
                rows = rows.where(models.Order.channel_id == seller.id)
            return await page(session, rows, newest_first, Window(first, after, last, before), Order.of)


def _filtered(
    rows: Select[tuple[models.Order]], filter: OrderFilterInput | None
) -> Select[tuple[models.Order]]:
    if filter is None:
        return rows
    if filter.status is not None:
        rows = rows.where(models.Order.status.in_([status.value for status in filter.status]))
    if filter.customer is not None:
        rows = rows.where(models.Order.user_email.icontains(filter.customer, autoescape=True))
    if filter.numbers is not None:
        rows = rows.where(models.Order.number.in_([int(text) for text in filter.numbers if text.isdecimal()]))
    return rows


def _by_id_or_slug(
    kind: type[ProductFilterInput], id: strawberry.ID | None, slug: str | None
) -> ProductFilterInput:
    _exactly_one(id, slug)
    return kind(ids=[id] if id is not None else None, slugs=[slug] if slug is not None else None)


def _one_of(
    model: type[models.Category] | type[models.Channel],
    kind: str,
    id: strawberry.ID | None,
    slug: str | None,
) -> Select[tuple[models.Category | models.Channel]]:
    _exactly_one(id, slug)
    if id is not None:
        return select(model).where(model.id == (decode_key(kind, id) or 0))
    return select(model).where(model.slug == slug)


def _exactly_one(id: strawberry.ID | None, slug: str | None) -> None:
    if (id is None) == (slug is None):
        raise GraphQLError("Give exactly one of `id` and `slug`.")


def _of_tenant(model: type, tenant_id: uuid.UUID, token: str | None) -> Select:
    """A tenant's checkout or order by its token; no identifier of that kind finds nothing."""
    return select(model).where(model.tenant_id == tenant_id, model.token == as_uuid(token))


def as_uuid(text: str | None) -> uuid.UUID:
    """The UUID that this is, or the nil UUID, which nothing has."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return uuid.UUID(int=0)
