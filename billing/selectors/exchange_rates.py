"""The exchange rate in force."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from billing.models import ExchangeRate
from namaskah.errors import RuleViolationError, UnavailableError

# Credits are dollars, so a dollar needs no rate.
BASE_CURRENCY: Final = "USD"
_RETRY_AFTER_SECONDS: Final = 600


class CurrencyNotAvailableError(RuleViolationError):
    """There is no exchange rate for the currency."""

    code = "currency_not_available"


class ExchangeRateStaleError(UnavailableError):
    """The newest exchange rate is too old to sell at."""

    code = "exchange_rate_stale"


def get_exchange_rate(currency: str, *, now: datetime) -> Decimal:
    """Return the units of `currency` per US dollar in force at `now`.

    :raises CurrencyNotAvailableError: if no rate was ever set.
    :raises ExchangeRateStaleError: if the newest is older than EXCHANGE_RATE_MAX_AGE_HOURS.
    """
    if currency == BASE_CURRENCY:
        return Decimal(1)
    rate = find_exchange_rate(currency, now=now)
    if rate is None:
        raise CurrencyNotAvailableError(f"Purchases in {currency} are not available: no exchange rate is set.")
    if is_stale(rate, now=now):
        raise ExchangeRateStaleError(
            f"The exchange rate of {currency} is out of date; purchases wait until it is renewed.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
    return rate.units_per_usd


def find_exchange_rate(currency: str, *, now: datetime) -> ExchangeRate | None:
    """Return the newest rate of `currency` that is valid at `now`, however old."""
    return ExchangeRate.objects.filter(currency=currency, valid_from__lte=now).order_by("-valid_from", "-id").first()


def list_rates_since(currency: str, *, since: datetime) -> list[ExchangeRate]:
    """Return the rates of `currency` that were in force after `since`, the newest first: the one of then too."""
    rates = ExchangeRate.objects.filter(currency=currency).order_by("-valid_from", "-id")
    return [*rates.filter(valid_from__gt=since), *rates.filter(valid_from__lte=since)[:1]]


def is_stale(rate: ExchangeRate, *, now: datetime) -> bool:
    """Whether the rate is too old to sell at."""
    return now - rate.valid_from > timedelta(hours=settings.EXCHANGE_RATE_MAX_AGE_HOURS)


def list_rates_in_force(*, now: datetime) -> dict[str, ExchangeRate | None]:
    """Return the rate in force of each currency that needs one, None where none was ever set."""
    newest = ExchangeRate.objects.filter(valid_from__lte=now).order_by("currency", "-valid_from", "-id")
    found = {rate.currency: rate for rate in newest.distinct("currency").select_related("set_by")}
    return {currency: found.get(currency) for currency in settings.CURRENCIES if currency != BASE_CURRENCY}


def with_rate_in_force(rates: QuerySet[ExchangeRate], *, now: datetime) -> QuerySet[ExchangeRate]:
    """Add to each rate the id of the one of its currency that is in force, as `in_force_id`."""
    newest = ExchangeRate.objects.filter(currency=OuterRef("currency"), valid_from__lte=now)
    return rates.annotate(in_force_id=Subquery(newest.order_by("-valid_from", "-id").values("pk")[:1]))
