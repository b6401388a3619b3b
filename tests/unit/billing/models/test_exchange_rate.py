"""What the database refuses of exchange rates."""

import pytest

from billing.models import ExchangeRate
from tests.factories.billing import ExchangeRateFactory
from tests.unit.billing.models.raw_sql import Violation, delete, insert, refused_by, truncate, update

pytestmark = pytest.mark.django_db

BIRTHS = [
    Violation("billing_exchangerate_positive", {"units_per_usd": "0"}, {"units_per_usd": "0.000001"}),
    Violation("billing_exchangerate_positive", {"units_per_usd": "-1650"}, {"units_per_usd": "1650"}),
    Violation("billing_exchangerate_positive", {"units_per_usd": "NaN"}, {"units_per_usd": "999999999999.999999"}),
    Violation("billing_exchangerate_currency_form", {"currency": "ngn"}, {"currency": "GHS"}),
    Violation("billing_exchangerate_currency_form", {"currency": "NG"}, {"currency": "KES"}),
    Violation("billing_exchangerate_currency_form", {"currency": "NG\n"}, {"currency": "ZAR"}),
    Violation("billing_exchangerate_currency_form", {"currency": ""}, {"currency": "USD"}),
]


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation):
    rate = ExchangeRateFactory.build()

    with refused_by(violation.rule):
        insert(rate, **violation.wrong)

    insert(rate, **violation.right)


def test_update_exchange_rate_is_refused():
    rate = ExchangeRateFactory()

    with refused_by("exchange_rates_unchanging", "UPDATE on exchange_rates is refused: its rows are append-only"):
        update(rate, units_per_usd=rate.units_per_usd)


def test_delete_exchange_rate_is_refused():
    rate = ExchangeRateFactory()

    with refused_by("exchange_rates_unchanging", "DELETE on exchange_rates is refused: its rows are append-only"):
        delete(rate)

    assert ExchangeRate.objects.get() == rate


def test_truncate_exchange_rates_is_refused():
    with refused_by("exchange_rates_untruncated", "TRUNCATE on exchange_rates is refused: its rows are append-only"):
        truncate(ExchangeRate)
