from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.selectors import exchange_rates
from billing.selectors.exchange_rates import CurrencyNotAvailableError, ExchangeRateStaleError
from tests.factories.billing import ExchangeRateFactory


def test_get_exchange_rate_of_the_dollar_needs_none():
    assert exchange_rates.get_exchange_rate("USD", now=timezone.now()) == Decimal(1)


@pytest.mark.django_db
def test_get_exchange_rate_is_the_newest_that_is_valid():
    now = timezone.now()
    for units, valid_from in [
        (1600, now - timedelta(hours=2)),
        (1650, now),
        (1640, now - timedelta(hours=1)),
        (1700, now + timedelta(seconds=1)),
    ]:
        ExchangeRateFactory(units_per_usd=Decimal(units), valid_from=valid_from)
    ExchangeRateFactory(currency="GHS", units_per_usd=Decimal(15))

    assert exchange_rates.get_exchange_rate("NGN", now=now) == Decimal(1650)


@pytest.mark.django_db
def test_get_exchange_rate_of_two_set_at_once_is_the_later():
    now = timezone.now()
    ExchangeRateFactory(units_per_usd=Decimal(1600), valid_from=now)
    ExchangeRateFactory(units_per_usd=Decimal(1650), valid_from=now)

    assert exchange_rates.get_exchange_rate("NGN", now=now) == Decimal(1650)


@pytest.mark.django_db
def test_get_exchange_rate_never_set():
    ExchangeRateFactory(currency="GHS")

    with pytest.raises(CurrencyNotAvailableError) as refusal:
        exchange_rates.get_exchange_rate("NGN", now=timezone.now())

    assert refusal.value.code == "currency_not_available"


@pytest.mark.django_db
def test_get_exchange_rate_too_old_to_sell_at(settings):
    settings.EXCHANGE_RATE_MAX_AGE_HOURS = 72
    now = timezone.now()
    rate = ExchangeRateFactory(valid_from=now - timedelta(hours=72))

    assert exchange_rates.get_exchange_rate("NGN", now=now) == rate.units_per_usd
    with pytest.raises(ExchangeRateStaleError) as refusal:
        exchange_rates.get_exchange_rate("NGN", now=now + timedelta(seconds=1))
    assert (refusal.value.code, refusal.value.retry_after_seconds) == ("exchange_rate_stale", 600)


@pytest.mark.django_db
def test_find_exchange_rate_however_old():
    now = timezone.now()
    old = ExchangeRateFactory(valid_from=now - timedelta(days=365))

    assert exchange_rates.find_exchange_rate("NGN", now=now) == old
    assert exchange_rates.find_exchange_rate("NGN", now=now - timedelta(days=366)) is None
