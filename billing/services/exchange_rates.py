"""Setting exchange rates."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User

from billing.models import ExchangeRate
from billing.selectors.exchange_rates import BASE_CURRENCY
from namaskah.errors import RuleViolationError
from namaskah.money import RATE_LIMIT, RATE_PLACES


class ExchangeRateInvalidError(RuleViolationError):
    """The currency or the rate cannot be used."""

    code = "validation_error"


def set_exchange_rate(*, currency: str, units_per_usd: Decimal, by: User | None, now: datetime) -> ExchangeRate:
    """Set what a dollar costs in `currency` from `now` on; earlier rates stay as history.

    `units_per_usd` has at most six decimals. Purchases already begun keep the rate stored on them.

    :raises ExchangeRateInvalidError: if the currency is not one of CURRENCIES, is the dollar itself,
        or the rate is not a positive number of at most six decimals.
    """
    if currency not in settings.CURRENCIES or currency == BASE_CURRENCY:
        sellable = ", ".join(code for code in settings.CURRENCIES if code != BASE_CURRENCY)
        raise ExchangeRateInvalidError(f"{currency!r} has no exchange rate; use one of {sellable}.")
    if not units_per_usd.is_finite() or not 0 < units_per_usd < RATE_LIMIT:
        raise ExchangeRateInvalidError("The rate must be a positive number.")
    if units_per_usd != units_per_usd.quantize(RATE_PLACES):
        raise ExchangeRateInvalidError("The rate has more than six decimals.")
    return ExchangeRate.objects.create(
        currency=currency, units_per_usd=units_per_usd, valid_from=now, set_by=by, created_at=now
    )
