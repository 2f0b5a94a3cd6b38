"""Which products are asked for, and in which order: GraphQL inputs turned into one SQL statement."""

import enum
from typing import Any

import strawberry
from graphql import GraphQLError
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from shop.ids import decode_key
from shop.models import Category, Channel, Listing, Product, Variant
from shop.money import minor_units
from shop.pages import Order


@strawberry.enum
class OrderDirection(enum.Enum):
    """Which way."""

    ASC = "asc"
    DESC = "desc"


@strawberry.enum
class ProductOrderField(enum.Enum):
    """By what."""

    NAME = "name"
    PRICE = "price"
    MINIMAL_PRICE = "minimal_price"
    RATING = "rating"
    CREATED_AT = "created_at"


@strawberry.enum
class StockAvailability(enum.Enum):
    """Whether something is left."""

    IN_STOCK = "available"
    OUT_OF_STOCK = "unavailable"


@strawberry.input
class ProductOrder:
    """How products are sorted."""

    direction: OrderDirection
    field: ProductOrderField | None = None


@strawberry.input
class PriceRangeInput:
    """From and to, both included, as decimals."""

    gte: float | None = None
    lte: float | None = None


@strawberry.input
class ProductFilterInput:
    """Which products; what is left out does not narrow."""

    ids: list[strawberry.ID] | None = None
    slugs: list[str] | None = None
    categories: list[strawberry.ID] | None = None
    search: str | None = None
    price: PriceRangeInput | None = None
    minimal_price: PriceRangeInput | None = None
    stock_availability: StockAvailability | None = None
    is_available: bool | None = None


async def find_channel(session: AsyncSession, slug: str | None) -> Channel | None:
    """The channel with this slug; None without a slug, GraphQLError for one that there is not."""
    if slug is None:
        return None
    channel = await session.scalar(select(Channel).where(Channel.slug == slug))
    if channel is None:
        raise GraphQLError(f"There is no channel {slug!r}; `channels` lists them.")
    return channel


def select_products(
    channel: Channel | None,
    filter: ProductFilterInput | None = None,
    search: str | None = None,
    category_id: int | None = None,
) -> Select[tuple[Product]]:
    """The statement for the products of a channel (None: of all) that pass the filter."""
    wanted = filter or ProductFilterInput()
    conditions: list[ColumnElement[bool]] = [_matches(text) for text in (search, wanted.search) if text]
    if channel is not None:
        conditions.append(_listings(channel).exists())
    if category_id is not None:
        conditions.append(Product.category_id.in_(_with_descendants([category_id])))
    if wanted.categories is not None:
        conditions.append(Product.category_id.in_(_with_descendants(_keys("Category", wanted.categories))))
    if wanted.ids is not None:
        conditions.append(Product.id.in_(_keys("Product", wanted.ids)))
    if wanted.slugs is not None:
        conditions.append(Product.slug.in_(wanted.slugs))
    if wanted.stock_availability is not None:
        conditions.append(_in_stock() == (wanted.stock_availability is StockAvailability.IN_STOCK))
    if wanted.is_available is not None:
        conditions.append(_in_stock() == wanted.is_available)
    for prices in (wanted.price, wanted.minimal_price):
        conditions.extend(_priced(prices, channel))
    return select(Product).where(*conditions)


def sort_key(channel: Channel | None, order: ProductOrder | None) -> Order:
    """What the products are sorted by; by name unless asked otherwise."""
    descending = order is not None and order.direction is OrderDirection.DESC
    values: dict[ProductOrderField, Any] = {
        ProductOrderField.NAME: func.lower(Product.name),
        ProductOrderField.PRICE: _lowest_price(channel),
        ProductOrderField.MINIMAL_PRICE: _lowest_price(channel),
        ProductOrderField.RATING: func.coalesce(Product.rating, 0.0),
        ProductOrderField.CREATED_AT: func.strftime("%s", Product.created),
    }
    field = order.field if order and order.field else ProductOrderField.NAME
    return Order(values[field], Product.id, descending)


def _matches(text: str) -> ColumnElement[bool]:
    columns = (Product.name, Product.description, Product.slug)
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _listings(channel: Channel | None) -> Select[Any]:
    rows = select(Listing.price).join(Variant, Variant.id == Listing.variant_id)
    rows = rows.where(Variant.product_id == Product.id)
    return rows.where(Listing.channel_id == channel.id) if channel else rows


def _lowest_price(channel: Channel | None) -> ColumnElement[int]:
    lowest = _listings(channel).with_only_columns(func.min(Listing.price)).scalar_subquery()
    return func.coalesce(lowest, 0)


def _in_stock() -> ColumnElement[bool]:
    return select(Variant.id).where(Variant.product_id == Product.id, Variant.stock > 0).exists()


def _priced(prices: PriceRangeInput | None, channel: Channel | None) -> list[ColumnElement[bool]]:
    if prices is None:
        return []
    if channel is None:
        raise GraphQLError("A price is a price in a channel: give `channel` as well.")
    lowest, conditions = _lowest_price(channel), []
    if prices.gte is not None:
        conditions.append(lowest >= minor_units(prices.gte, channel.currency_code))
    if prices.lte is not None:
        conditions.append(lowest <= minor_units(prices.lte, channel.currency_code))
    return conditions


def _with_descendants(keys: list[int]) -> Select[tuple[int]]:
    below = select(Category.id).where(Category.id.in_(keys)).cte("below", recursive=True)
    below = below.union(select(Category.id).join(below, Category.parent_id == below.c.id))
    return select(below.c.id)


def _keys(kind: str, global_ids: list[strawberry.ID]) -> list[int]:
    return [key for global_id in global_ids if (key := decode_key(kind, global_id)) is not None]
