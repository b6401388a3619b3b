from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import ExchangeRate
from billing.services import exchange_rates
from billing.services.exchange_rates import ExchangeRateInvalidError
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db


def test_set_exchange_rate_keeps_the_earlier_rate():
    by, now = UserFactory(), timezone.now()
    exchange_rates.set_exchange_rate(currency="NGN", units_per_usd=Decimal(1600), by=None, now=now - timedelta(days=1))

    rate = exchange_rates.set_exchange_rate(currency="NGN", units_per_usd=Decimal("1650.123456"), by=by, now=now)

    assert (rate.valid_from, rate.created_at, rate.set_by) == (now, now, by)
    stored = ExchangeRate.objects.order_by("valid_from").values_list("currency", "units_per_usd")
    assert list(stored) == [("NGN", Decimal(1600)), ("NGN", Decimal("1650.123456"))]


@pytest.mark.parametrize(
    ("currency", "units_per_usd", "message"),
    [
        ("USD", Decimal(1), "'USD' has no exchange rate; use one of NGN, GHS, KES, ZAR."),
        ("EUR", Decimal(1), "'EUR' has no exchange rate; use one of NGN, GHS, KES, ZAR."),
        ("ngn", Decimal(1), "'ngn' has no exchange rate; use one of NGN, GHS, KES, ZAR."),
        ("NGN", Decimal(0), "The rate must be a positive number."),
        ("NGN", Decimal(-1), "The rate must be a positive number."),
        ("NGN", Decimal("NaN"), "The rate must be a positive number."),
        ("NGN", Decimal("Infinity"), "The rate must be a positive number."),
        ("NGN", Decimal(10) ** 12, "The rate must be a positive number."),
        ("NGN", Decimal("1.0000001"), "The rate has more than six decimals."),
    ],
)
def test_set_exchange_rate_that_cannot_be_used_is_refused(currency, units_per_usd, message):
    with pytest.raises(ExchangeRateInvalidError) as refusal:
        exchange_rates.set_exchange_rate(currency=currency, units_per_usd=units_per_usd, by=None, now=timezone.now())

    assert (refusal.value.code, refusal.value.detail) == ("validation_error", message)
    assert not ExchangeRate.objects.exists()
