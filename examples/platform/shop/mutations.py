"""What can be changed: checkouts and orders, with Saleor's way of answering faults beside the result."""

import enum

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shop import models, purchase
from shop.context import Info
from shop.ids import decode_id, decode_key, encode_id
from shop.queries import as_uuid
from shop.sales import Checkout, Order


@strawberry.enum
class CheckoutErrorCode(enum.Enum):
    """Why a checkout cannot go on."""

    CHANNEL_INACTIVE = "CHANNEL_INACTIVE"
    EMAIL_NOT_SET = "EMAIL_NOT_SET"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    MISSING_CHANNEL_SLUG = "MISSING_CHANNEL_SLUG"
    NOT_FOUND = "NOT_FOUND"
    NO_LINES = "NO_LINES"
    QUANTITY_GREATER_THAN_LIMIT = "QUANTITY_GREATER_THAN_LIMIT"
    UNAVAILABLE_VARIANT_IN_CHANNEL = "UNAVAILABLE_VARIANT_IN_CHANNEL"
    ZERO_QUANTITY = "ZERO_QUANTITY"


@strawberry.enum
class OrderErrorCode(enum.Enum):
    """Why an order cannot be changed."""

    CANNOT_CANCEL_ORDER = "CANNOT_CANCEL_ORDER"
    NOT_FOUND = "NOT_FOUND"


@strawberry.type
class CheckoutError:
    """A fault in what was asked for."""

    field: str | None
    message: str | None
    code: CheckoutErrorCode
    variants: list[strawberry.ID] | None

    @classmethod
    def of(cls, fault: purchase.PurchaseError) -> "CheckoutError":
        """The fault as a type."""
        variants = [strawberry.ID(encode_id("ProductVariant", key)) for key in fault.variants]
        code = CheckoutErrorCode(fault.code)
        return cls(field=fault.field, message=fault.message, code=code, variants=variants or None)


@strawberry.type
class OrderError:
    """A fault in what was asked for."""

    field: str | None
    message: str | None
    code: OrderErrorCode


@strawberry.input
class CheckoutLineInput:
    """So many of a variant."""

    quantity: int
    variant_id: strawberry.ID


@strawberry.input
class CheckoutCreateInput:
    """A new checkout."""

    channel: str | None = None
    lines: list[CheckoutLineInput] = strawberry.field(default_factory=list)
    email: str | None = None


@strawberry.type
class CheckoutCreate:
    """The new checkout, or why there is none."""

    checkout: Checkout | None = None
    errors: list[CheckoutError] = strawberry.field(default_factory=list)


@strawberry.type
class CheckoutLinesAdd:
    """The changed checkout, or why it is not changed."""

    checkout: Checkout | None = None
    errors: list[CheckoutError] = strawberry.field(default_factory=list)


@strawberry.type
class CheckoutComplete:
    """The order, or why there is none."""

    order: Order | None = None
    confirmation_needed: bool = False
    errors: list[CheckoutError] = strawberry.field(default_factory=list)


@strawberry.type
class OrderCancel:
    """The cancelled order, or why it is not cancelled."""

    order: Order | None = None
    errors: list[OrderError] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation:
    """The entry points for writing."""

    @strawberry.mutation
    async def checkout_create(self, info: Info, input: CheckoutCreateInput) -> CheckoutCreate:
        """Start a checkout."""
        tenant_id = info.context.tenant
        try:
            async with info.context.database.write() as session:
                row = await purchase.open_checkout(
                    session, tenant_id, input.channel, input.email, _wishes(input.lines)
                )
        except purchase.PurchaseError as fault:
            return CheckoutCreate(errors=[CheckoutError.of(fault)])
        return CheckoutCreate(checkout=Checkout.of(row))

    @strawberry.mutation
    async def checkout_lines_add(
        self, info: Info, id: strawberry.ID, lines: list[CheckoutLineInput]
    ) -> CheckoutLinesAdd:
        """Put more into a checkout."""
        try:
            async with info.context.database.write() as session:
                row = await _checkout(session, info, id)
                await purchase.add_lines(session, row, _wishes(lines))
        except purchase.PurchaseError as fault:
            return CheckoutLinesAdd(errors=[CheckoutError.of(fault)])
        return CheckoutLinesAdd(checkout=Checkout.of(row))

    @strawberry.mutation
    async def checkout_complete(self, info: Info, id: strawberry.ID) -> CheckoutComplete:
        """Order what is in a checkout."""
        try:
            async with info.context.database.write() as session:
                order = await purchase.place_order(session, await _checkout(session, info, id))
        except purchase.PurchaseError as fault:
            return CheckoutComplete(errors=[CheckoutError.of(fault)])
        info.context.feed.announce(order.tenant_id, order.id)
        return CheckoutComplete(order=Order.of(order))

    @strawberry.mutation
    async def order_cancel(self, info: Info, id: strawberry.ID) -> OrderCancel:
        """Cancel an order."""
        token = as_uuid(decode_id("Order", id))
        rows = select(models.Order).where(
            models.Order.tenant_id == info.context.tenant, models.Order.token == token
        )
        try:
            async with info.context.database.write() as session:
                order = await session.scalar(rows)
                if order is None:
                    raise purchase.PurchaseError("id", "NOT_FOUND", "There is no such order.")
                await purchase.cancel_order(session, order)
        except purchase.PurchaseError as fault:
            code = OrderErrorCode(fault.code)
            return OrderCancel(errors=[OrderError(field=fault.field, message=fault.message, code=code)])
        return OrderCancel(order=Order.of(order))


def _wishes(lines: list[CheckoutLineInput]) -> list[purchase.Wish]:
    return [purchase.Wish(decode_key("ProductVariant", line.variant_id), line.quantity) for line in lines]


async def _checkout(session: AsyncSession, info: Info, id: strawberry.ID) -> models.Checkout:
    token = as_uuid(decode_id("Checkout", id))
    rows = select(models.Checkout).where(
        models.Checkout.tenant_id == info.context.tenant, models.Checkout.token == token
    )
    checkout = await session.scalar(rows)
    if checkout is None:
        raise purchase.PurchaseError("id", "NOT_FOUND", "There is no such checkout.")
    return checkout
