"""Channels, categories, products and variants as GraphQL types."""

import datetime as dt
import json
from typing import NewType

import strawberry
from sqlalchemy import func, select

from shop import models
from shop.context import Info
from shop.ids import encode_id
from shop.money import TaxedMoney, TaxedMoneyRange, taxed
from shop.pages import CountableConnection, Order, Window, page
from shop.search import ProductFilterInput, ProductOrder, find_channel, select_products, sort_key

JSONString = NewType("JSONString", str)


@strawberry.type
class CountryDisplay:
    """A country."""

    code: str
    country: str


@strawberry.type
class Channel:
    """Where the shop sells."""

    id: strawberry.ID
    slug: str
    name: str
    is_active: bool
    currency_code: str
    default_country: CountryDisplay

    @classmethod
    def of(cls, row: models.Channel) -> "Channel":
        """The row as a type."""
        return cls(
            id=strawberry.ID(encode_id("Channel", row.id)),
            slug=row.slug,
            name=row.name,
            is_active=row.is_active,
            currency_code=row.currency_code,
            default_country=CountryDisplay(code=row.country_code, country=row.country),
        )


@strawberry.type
class Category:
    """A group of products."""

    id: strawberry.ID
    name: str
    slug: str
    level: int
    row: strawberry.Private[models.Category]

    @classmethod
    def of(cls, row: models.Category) -> "Category":
        """The row as a type."""
        global_id = strawberry.ID(encode_id("Category", row.id))
        return cls(id=global_id, name=row.name, slug=row.slug, level=row.level, row=row)

    @strawberry.field
    async def parent(self, info: Info) -> "Category | None":
        """The group that this one is part of."""
        async with info.context.database.read() as session:
            row = await session.get(models.Category, self.row.parent_id) if self.row.parent_id else None
        return Category.of(row) if row else None

    @strawberry.field
    async def children(
        self,
        info: Info,
        before: str | None = None,
        after: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> "CountableConnection[Category]":
        """The groups within this one."""
        return await list_categories(info, Window(first, after, last, before), parent_id=self.row.id)

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
    ) -> "CountableConnection[Product]":
        """The products in this group and in those within it."""
        window = Window(first, after, last, before)
        return await list_products(info, window, filter, sort_by, search, channel, category_id=self.row.id)


@strawberry.type
class VariantPricingInfo:
    """What one variant costs."""

    on_sale: bool
    price: TaxedMoney
    price_undiscounted: TaxedMoney


@strawberry.type
class ProductPricingInfo:
    """What a product's variants cost."""

    on_sale: bool
    display_gross_prices: bool
    price_range: TaxedMoneyRange
    price_range_undiscounted: TaxedMoneyRange


@strawberry.type
class ProductVariant:
    """What can be put into a checkout."""

    id: strawberry.ID
    name: str
    sku: str
    channel: str | None
    row: strawberry.Private[models.Variant]

    @classmethod
    def of(cls, row: models.Variant, channel: str | None) -> "ProductVariant":
        """The row as a type, seen from a channel (its slug)."""
        global_id = strawberry.ID(encode_id("ProductVariant", row.id))
        return cls(id=global_id, name=row.name, sku=row.sku, channel=channel, row=row)

    @strawberry.field
    async def product(self, info: Info) -> "Product":
        """The product that this is a variant of."""
        async with info.context.database.read() as session:
            return Product.of(await session.get_one(models.Product, self.row.product_id), self.channel)

    @strawberry.field
    def quantity_available(self) -> int:
        """How many are left."""
        return self.row.stock

    @strawberry.field
    def pricing(self) -> VariantPricingInfo | None:
        """The price in the channel that was asked for; null without a channel."""
        price = price_in(self.row, self.channel)
        return VariantPricingInfo(on_sale=False, price=price, price_undiscounted=price) if price else None


@strawberry.type
class Product:
    """Something for sale."""

    id: strawberry.ID
    name: str
    slug: str
    channel: str | None
    rating: float | None
    created: dt.datetime
    updated_at: dt.datetime
    row: strawberry.Private[models.Product]

    @classmethod
    def of(cls, row: models.Product, channel: str | None) -> "Product":
        """The row as a type, seen from a channel (its slug)."""
        return cls(
            id=strawberry.ID(encode_id("Product", row.id)),
            name=row.name,
            slug=row.slug,
            channel=channel,
            rating=row.rating,
            created=row.created,
            updated_at=row.updated_at,
            row=row,
        )

    @strawberry.field
    def description(self) -> JSONString:
        """The description, as an Editor.js document."""
        block = {"id": f"p{self.row.id}", "type": "paragraph", "data": {"text": self.row.description}}
        return JSONString(json.dumps({"blocks": [block]}, ensure_ascii=False))

    @strawberry.field
    def category(self) -> Category | None:
        """The group that this product is in."""
        return Category.of(self.row.category)

    @strawberry.field
    def variants(self) -> list[ProductVariant]:
        """The variants; within a channel, those that are sold there."""
        return [ProductVariant.of(row, self.channel) for row in self._variants()]

    @strawberry.field
    def default_variant(self) -> ProductVariant | None:
        """The variant to show first."""
        rows = self._variants()
        return ProductVariant.of(rows[0], self.channel) if rows else None

    @strawberry.field
    def is_available(self) -> bool | None:
        """Whether one of the variants can be bought in the channel; null without a channel."""
        return any(row.stock > 0 for row in self._variants()) if self.channel else None

    @strawberry.field
    def pricing(self) -> ProductPricingInfo | None:
        """The prices in the channel that was asked for; null without a channel."""
        prices = [price for row in self.row.variants if (price := price_in(row, self.channel))]
        if not prices:
            return None
        prices.sort(key=lambda price: price.gross.fractional_amount)
        both = TaxedMoneyRange(start=prices[0], stop=prices[-1])
        return ProductPricingInfo(
            on_sale=False, display_gross_prices=True, price_range=both, price_range_undiscounted=both
        )

    def _variants(self) -> list[models.Variant]:
        rows = self.row.variants
        return [row for row in rows if price_in(row, self.channel)] if self.channel else list(rows)


def price_in(variant: models.Variant, channel: str | None) -> TaxedMoney | None:
    """The variant's price in a channel (its slug); None where it is not sold."""
    for listing in variant.listings:
        if listing.channel.slug == channel:
            return taxed(listing.price, listing.channel.currency_code, listing.channel.tax_rate)
    return None


async def list_products(
    info: Info,
    window: Window,
    filter: ProductFilterInput | None,
    sort_by: ProductOrder | None,
    search: str | None,
    channel: str | None,
    category_id: int | None = None,
) -> CountableConnection[Product]:
    """A page of products, seen from a channel (its slug)."""
    async with info.context.database.read() as session:
        seller = await find_channel(session, channel)
        rows = select_products(seller, filter, search, category_id)
        return await page(
            session, rows, sort_key(seller, sort_by), window, lambda row: Product.of(row, channel)
        )


async def list_categories(
    info: Info, window: Window, level: int | None = None, parent_id: int | None = None
) -> CountableConnection[Category]:
    """A page of categories, by name."""
    rows = select(models.Category)
    if level is not None:
        rows = rows.where(models.Category.level == level)
    if parent_id is not None:
        rows = rows.where(models.Category.parent_id == parent_id)
    order = Order(func.lower(models.Category.name), models.Category.id)
    async with info.context.database.read() as session:
        return await page(session, rows, order, window, Category.of)
