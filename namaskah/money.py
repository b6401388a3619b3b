"""Credits, gateway amounts and the only places where money is rounded.

Credits are US dollars as `Decimal` with at most four decimals. Gateway amounts are integers in
the currency's subunit, a hundredth for every currency Paystack supports.
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

SUBUNITS: Final = 100
CREDIT_PLACES: Final = Decimal("0.0001")
CENTS: Final = Decimal("0.01")
RATE_PLACES: Final = Decimal("0.000001")
# Above what NUMERIC(18, 4) and NUMERIC(18, 6) hold. As an upper bound in a CHECK it refuses NaN,
# which Postgres sorts above every number.
CREDIT_LIMIT: Final = Decimal(10) ** 14
RATE_LIMIT: Final = Decimal(10) ** 12


def convert_to_minor(amount_usd: Decimal, *, exchange_rate: Decimal) -> int:
    """Return what `amount_usd` costs in subunits at `exchange_rate` units per dollar, half up."""
    return int((amount_usd * exchange_rate * SUBUNITS).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def convert_to_credits(amount_minor: int, *, exchange_rate: Decimal) -> Decimal:
    """Return the credits that `amount_minor` subunits are worth, rounded down to four decimals."""
    return (Decimal(amount_minor) / SUBUNITS / exchange_rate).quantize(CREDIT_PLACES, rounding=ROUND_DOWN)


def format_credits(amount: Decimal) -> str:
    """Return `amount` as text with at least two and at most four decimals: `25.00`, `0.1250`, `0.125` never.

    Two decimals when the rest is zero, four otherwise, so that columns line up.
    """
    exact = amount.quantize(CREDIT_PLACES)
    short = exact.quantize(CENTS, rounding=ROUND_DOWN)
    return str(short if short == exact else exact)


def format_minor(amount_minor: int, currency: str) -> str:
    """Return subunits as people read them: `41250.00 NGN`."""
    return f"{Decimal(amount_minor) / SUBUNITS:.2f} {currency}"
