"""Buying: from variants to a checkout, from a checkout to an order.

These are the rules, on rows within one write transaction; mutations.py gives them their GraphQL face.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop import models

MOST_PER_LINE = 1000


class PurchaseError(Exception):
    """Why something cannot be bought: the input's field, a code of Saleor's, a sentence, the variants."""

    def __init__(self, field: str | None, code: str, message: str, variants: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.field, self.code, self.message, self.variants = field, code, message, variants


@dataclass(frozen=True, slots=True)
class Wish:
    """So many of a variant (its row's number)."""

    variant_id: int | None
    quantity: int


async def open_checkout(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    channel_slug: str | None,
    email: str | None,
    wishes: list[Wish],
) -> models.Checkout:
    """Add a checkout with these lines; raises PurchaseError."""
    if not channel_slug:
        raise PurchaseError("channel", "MISSING_CHANNEL_SLUG", "Say in which channel; `channels` lists them.")
    channel = await session.scalar(select(models.Channel).where(models.Channel.slug == channel_slug))
    if channel is None:
        raise PurchaseError("channel", "NOT_FOUND", f"There is no channel {channel_slug!r}.")
    if not channel.is_active:
        raise PurchaseError("channel", "CHANNEL_INACTIVE", f"The channel {channel_slug!r} does not sell now.")
    checkout = models.Checkout(tenant_id=tenant_id, channel=channel, email=email, lines=[])
    session.add(checkout)
    await add_lines(session, checkout, wishes)
    return checkout


async def add_lines(session: AsyncSession, checkout: models.Checkout, wishes: list[Wish]) -> None:
    """Add to a checkout; a variant that is in it already gets a greater quantity. Raises PurchaseError."""
    lines = {line.variant_id: line for line in checkout.lines}
    for wish in wishes:
        if wish.quantity < 1:
            raise PurchaseError("quantity", "ZERO_QUANTITY", "The quantity is at least 1.")
        variant = await session.get(models.Variant, wish.variant_id or 0)
        if variant is None:
            raise PurchaseError("lines", "NOT_FOUND", "There is no such variant.")
        if not any(listing.channel_id == checkout.channel.id for listing in variant.listings):
            sentence = f"{variant.sku} is not sold in this channel."
            raise PurchaseError("lines", "UNAVAILABLE_VARIANT_IN_CHANNEL", sentence, (variant.id,))
        if variant.id not in lines:
            lines[variant.id] = models.CheckoutLine(variant_id=variant.id, variant=variant, quantity=0)
            checkout.lines.append(lines[variant.id])
        line = lines[variant.id]
        line.quantity += wish.quantity
        if line.quantity > MOST_PER_LINE:
            sentence = f"At most {MOST_PER_LINE} of one variant."
            raise PurchaseError("quantity", "QUANTITY_GREATER_THAN_LIMIT", sentence, (variant.id,))
        if line.quantity > variant.stock:
            raise _short(variant)
    checkout.updated_at = models.now()


async def place_order(session: AsyncSession, checkout: models.Checkout) -> models.Order:
    """Turn a checkout into an order and take the goods from stock; raises PurchaseError."""
    if not checkout.email:
        raise PurchaseError("email", "EMAIL_NOT_SET", "An order needs an address to write to.")
    if not checkout.lines:
        raise PurchaseError("lines", "NO_LINES", "There is nothing to order.")
    for line in checkout.lines:
        await _take(session, line)
    tenants_orders = models.Order.tenant_id == checkout.tenant_id
    highest = await session.scalar(select(func.max(models.Order.number)).where(tenants_orders))
    order = models.Order(
        tenant_id=checkout.tenant_id,
        number=(highest or 0) + 1,
        user_email=checkout.email,
        checkout_token=checkout.token,
        channel=checkout.channel,
        tax_rate=checkout.channel.tax_rate,
        lines=[await _order_line(session, line, checkout.channel) for line in checkout.lines],
    )
    session.add(order)
    await session.delete(checkout)
    return order


async def cancel_order(session: AsyncSession, order: models.Order) -> None:
    """Cancel an order and put the goods back; raises PurchaseError when it is cancelled or sent already."""
    if order.status != "UNFULFILLED":
        raise PurchaseError(
            "order", "CANNOT_CANCEL_ORDER", f"Order {order.number} is {order.status.lower()}."
        )
    for line in order.lines:
        if line.variant is not None:
            line.variant.stock += line.quantity
    order.status = "CANCELED"


async def _take(session: AsyncSession, line: models.CheckoutLine) -> None:
    enough = (models.Variant.id == line.variant_id, models.Variant.stock >= line.quantity)
    taken = update(models.Variant).where(*enough).values(stock=models.Variant.stock - line.quantity)
    if (await session.execute(taken)).rowcount != 1:
        raise _short(line.variant)


async def _order_line(
    session: AsyncSession, line: models.CheckoutLine, channel: models.Channel
) -> models.OrderLine:
    product = await session.get_one(models.Product, line.variant.product_id)
    for listing in line.variant.listings:
        if listing.channel_id == channel.id:
            return models.OrderLine(
                variant=line.variant,
                product_name=product.name,
                variant_name=line.variant.name,
                product_sku=line.variant.sku,
                quantity=line.quantity,
                unit_price=listing.price,
            )
    sentence = f"{line.variant.sku} is not sold in this channel any more."
    raise PurchaseError("lines", "UNAVAILABLE_VARIANT_IN_CHANNEL", sentence, (line.variant_id,))


def _short(variant: models.Variant) -> PurchaseError:
    sentence = f"Only {variant.stock} of {variant.sku} are left."
    return PurchaseError("quantity", "INSUFFICIENT_STOCK", sentence, (variant.id,))
