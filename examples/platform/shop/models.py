"""The shop's tables. Amounts are integers in the currency's minor unit, with tax included.

The catalogue is one for all; checkouts and orders belong to the tenant that placed them. Relations are
loaded together with the row (selectin), because an asynchronous session cannot load them later; the way
back from a variant to its product is not (raise): whoever wants it asks for it.
"""

import datetime as dt
import uuid

from sqlalchemy import DateTime, Dialect, ForeignKey, String, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime
    cache_ok = True

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Every stored moment is in UTC."""
        return value.replace(tzinfo=dt.UTC) if value else None


def now() -> dt.datetime:
    """The present, in UTC."""
    return dt.datetime.now(dt.UTC)


class Row(DeclarativeBase):
    """What every table has."""

    type_annotation_map = {dt.datetime: UtcDateTime}

    id: Mapped[int] = mapped_column(primary_key=True)


class Channel(Row):
    """Where the shop sells: a currency, a country and its tax rate."""

    __tablename__ = "channel"

    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str]
    currency_code: Mapped[str] = mapped_column(String(3))
    country_code: Mapped[str] = mapped_column(String(2))
    country: Mapped[str]
    tax_rate: Mapped[float]  # 0.23 for 23 per cent
    is_active: Mapped[bool] = mapped_column(default=True)


class Category(Row):
    """A group of products; groups nest."""

    __tablename__ = "category"

    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str]
    level: Mapped[int] = mapped_column(default=0)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))


class Product(Row):
    """Something for sale, in one or more variants."""

    __tablename__ = "product"

    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str]
    description: Mapped[str]
    rating: Mapped[float | None]
    created: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now, onupdate=now)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    category: Mapped[Category] = relationship(lazy="selectin")
    variants: Mapped[list["Variant"]] = relationship(
        lazy="selectin", back_populates="product", order_by="Variant.id"
    )


class Variant(Row):
    """What can be put into a checkout: a size, a grind, a colour."""

    __tablename__ = "variant"

    sku: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str]
    stock: Mapped[int]
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    product: Mapped[Product] = relationship(lazy="raise", back_populates="variants")
    listings: Mapped[list["Listing"]] = relationship(lazy="selectin", order_by="Listing.channel_id")


class Listing(Row):
    """What a variant costs in a channel; without a listing it is not sold there."""

    __tablename__ = "listing"
    __table_args__ = (UniqueConstraint("variant_id", "channel_id"),)

    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), index=True)
    price: Mapped[int]
    channel: Mapped[Channel] = relationship(lazy="selectin")


class Checkout(Row):
    """What a tenant is about to order."""

    __tablename__ = "checkout"

    token: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4, unique=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(index=True)
    email: Mapped[str | None]
    created: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now, onupdate=now)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    channel: Mapped[Channel] = relationship(lazy="selectin")
    lines: Mapped[list["CheckoutLine"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="CheckoutLine.id"
    )


class CheckoutLine(Row):
    """So many of a variant."""

    __tablename__ = "checkout_line"
    __table_args__ = (UniqueConstraint("checkout_id", "variant_id"),)

    checkout_id: Mapped[int] = mapped_column(ForeignKey("checkout.id"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"))
    quantity: Mapped[int]
    variant: Mapped[Variant] = relationship(lazy="selectin")


class Order(Row):
    """What a tenant has ordered; keeps the prices and names of that moment."""

    __tablename__ = "order"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    token: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4, unique=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(index=True)
    number: Mapped[int]  # counts from 1 for each tenant
    status: Mapped[str] = mapped_column(String(24), default="UNFULFILLED")
    user_email: Mapped[str]
    checkout_token: Mapped[uuid.UUID | None]
    created: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now, onupdate=now)
    tax_rate: Mapped[float]
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    channel: Mapped[Channel] = relationship(lazy="selectin")
    lines: Mapped[list["OrderLine"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="OrderLine.id"
    )


class OrderLine(Row):
    """So many of a variant, at a price."""

    __tablename__ = "order_line"

    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variant.id"))
    product_name: Mapped[str]
    variant_name: Mapped[str]
    product_sku: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    variant: Mapped[Variant | None] = relationship(lazy="selectin")
