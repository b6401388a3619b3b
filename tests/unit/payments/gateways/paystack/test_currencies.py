from django.conf import settings

from payments.gateways.paystack.currencies import MINIMUM_MINOR


def test_minimum_minor_is_in_subunits():
    assert dict(MINIMUM_MINOR) == {"NGN": 5000, "USD": 200, "GHS": 10, "ZAR": 100, "KES": 300}


def test_minimum_minor_knows_every_currency_on_offer():
    assert set(MINIMUM_MINOR) == set(settings.CURRENCIES)
