"""Money as Saleor shows it, from integers in the minor unit with tax included."""

import strawberry

MINOR_DIGITS = {"JPY": 0}  # ISO 4217; every other currency that the shop knows has two


@strawberry.type(description="An amount of money in one currency.")
class Money:
    """Shown both as a decimal and as an integer in the minor unit."""

    currency: str
    fractional_amount: int

    @strawberry.field
    def fraction_digits(self) -> int:
        """How many digits the minor unit has."""
        return MINOR_DIGITS.get(self.currency, 2)

    @strawberry.field
    def amount(self) -> float:
        """The amount as a decimal."""
        return round(self.fractional_amount / 10 ** MINOR_DIGITS.get(self.currency, 2), 3)


@strawberry.type(description="A price before and after tax.")
class TaxedMoney:
    """`gross` is what is paid; `net` and `tax` are its parts."""

    currency: str
    gross: Money
    net: Money
    tax: Money


@strawberry.type(description="The cheapest and the dearest of several prices.")
class TaxedMoneyRange:
    """Both ends are the same where there is one price."""

    start: TaxedMoney
    stop: TaxedMoney


def taxed(gross: int, currency: str, tax_rate: float) -> TaxedMoney:
    """Split a gross amount (minor unit) by a tax rate (0.23 for 23 per cent)."""
    net = round(gross / (1 + tax_rate))
    return TaxedMoney(
        currency=currency,
        gross=Money(currency=currency, fractional_amount=gross),
        net=Money(currency=currency, fractional_amount=net),
        tax=Money(currency=currency, fractional_amount=gross - net),
    )


def minor_units(amount: float, currency: str) -> int:
    """Return a decimal amount in the currency's minor unit."""
    return round(amount * 10 ** MINOR_DIGITS.get(currency, 2))
