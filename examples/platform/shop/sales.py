"""Checkouts and orders as GraphQL types."""

import datetime as dt
import enum
import uuid

import strawberry

from shop import models
from shop.catalogue import Channel, ProductVariant
from shop.ids import encode_id
from shop.money import TaxedMoney, taxed


@strawberry.enum
class OrderStatus(enum.Enum):
    """What has become of an order."""

    UNFULFILLED = "UNFULFILLED"
    FULFILLED = "FULFILLED"
    CANCELED = "CANCELED"


@strawberry.type
class CheckoutLine:
    """So many of a variant, at today's price."""

    id: strawberry.ID
    quantity: int
    variant: ProductVariant
    unit_price: TaxedMoney
    total_price: TaxedMoney


@strawberry.type
class Checkout:
    """What a tenant is about to order."""

    id: strawberry.ID
    token: uuid.UUID
    email: str | None
    created: dt.datetime
    updated_at: dt.datetime
    channel: Channel
    quantity: int
    lines: list[CheckoutLine]
    subtotal_price: TaxedMoney
    total_price: TaxedMoney

    @classmethod
    def of(cls, row: models.Checkout) -> "Checkout":
        """The row as a type."""
        total = _money(sum(price_of(line, row.channel) * line.quantity for line in row.lines), row.channel)
        return cls(
            id=strawberry.ID(encode_id("Checkout", row.token)),
            token=row.token,
            email=row.email,
            created=row.created,
            updated_at=row.updated_at,
            channel=Channel.of(row.channel),
            quantity=sum(line.quantity for line in row.lines),
            lines=[_checkout_line(line, row.channel) for line in row.lines],
            subtotal_price=total,
            total_price=total,
        )


@strawberry.type
class OrderLine:
    """So many of a variant, at the price of that moment."""

    id: strawberry.ID
    product_name: str
    variant_name: str
    product_sku: str
    quantity: int
    tax_rate: float
    unit_price: TaxedMoney
    total_price: TaxedMoney
    variant: ProductVariant | None


@strawberry.type
class Order:
    """What a tenant has ordered."""

    id: strawberry.ID
    token: str
    number: str
    status: OrderStatus
    user_email: str
    created: dt.datetime
    updated_at: dt.datetime
    channel: Channel
    lines: list[OrderLine]
    subtotal: TaxedMoney
    total: TaxedMoney
    is_paid: bool
    checkout_id: strawberry.ID | None

    @strawberry.field
    def status_display(self) -> str:
        """The status for people."""
        return self.status.value.capitalize()

    @classmethod
    def of(cls, row: models.Order) -> "Order":
        """The row as a type."""
        total = sum(line.unit_price * line.quantity for line in row.lines)
        money = taxed(total, row.channel.currency_code, row.tax_rate)
        checkout = strawberry.ID(encode_id("Checkout", row.checkout_token)) if row.checkout_token else None
        return cls(
            id=strawberry.ID(encode_id("Order", row.token)),
            token=str(row.token),
            number=str(row.number),
            status=OrderStatus(row.status),
            user_email=row.user_email,
            created=row.created,
            updated_at=row.updated_at,
            channel=Channel.of(row.channel),
            lines=[_order_line(line, row) for line in row.lines],
            subtotal=money,
            total=money,
            is_paid=False,  # the shop takes orders; it takes no money
            checkout_id=checkout,
        )


@strawberry.type
class OrderCreated:
    """An order was placed."""

    issued_at: dt.datetime
    order: Order


def price_of(line: models.CheckoutLine, channel: models.Channel) -> int:
    """A checkout line's price per piece in the minor unit; 0 for what is sold there no longer."""
    prices = (listing.price for listing in line.variant.listings if listing.channel_id == channel.id)
    return next(prices, 0)


def _checkout_line(line: models.CheckoutLine, channel: models.Channel) -> CheckoutLine:
    price = price_of(line, channel)
    return CheckoutLine(
        id=strawberry.ID(encode_id("CheckoutLine", line.id)),
        quantity=line.quantity,
        variant=ProductVariant.of(line.variant, channel.slug),
        unit_price=_money(price, channel),
        total_price=_money(price * line.quantity, channel),
    )


def _order_line(line: models.OrderLine, order: models.Order) -> OrderLine:
    currency = order.channel.currency_code
    return OrderLine(
        id=strawberry.ID(encode_id("OrderLine", line.id)),
        product_name=line.product_name,
        variant_name=line.variant_name,
        product_sku=line.product_sku,
        quantity=line.quantity,
        tax_rate=order.tax_rate,
        unit_price=taxed(line.unit_price, currency, order.tax_rate),
        total_price=taxed(line.unit_price * line.quantity, currency, order.tax_rate),
        variant=ProductVariant.of(line.variant, order.channel.slug) if line.variant else None,
    )


def _money(gross: int, channel: models.Channel) -> TaxedMoney:
    return taxed(gross, channel.currency_code, channel.tax_rate)
