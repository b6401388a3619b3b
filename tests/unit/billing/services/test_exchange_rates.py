from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import ExchangeRate
from billing.services import exchange_rates
from billing.services.exchange_rates import (
    ExchangeRateInvalidError,
    ExchangeRateJumpError,
    ExchangeRateKeyReusedError,
    ExchangeRateReplacedError,
    NewRate,
)
from namaskah.audit.models import AuditEntry
from namaskah.errors import PermissionDeniedError
from tests.factories.billing import ExchangeRateFactory
from tests.factories.people import AgentFactory
from tests.factories.users import UserFactory
from tests.integration.actors import run_together

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.fixture
def finance(db):
    return AgentFactory(permission="set_exchange_rate")


def replace(units_per_usd, *, by, now=None, **changes):
    newest = ExchangeRate.objects.filter(currency="NGN").order_by("-valid_from").first()
    terms = {
        "currency": "NGN",
        "units_per_usd": Decimal(units_per_usd),
        "replaces": newest.pk if newest else None,
        "is_confirmed": False,
        "key": uuid4(),
    } | changes
    return exchange_rates.replace_exchange_rate(rate=NewRate(**terms), by=by, now=now or timezone.now())


def test_replace_exchange_rate_writes_who_and_from_what_to_what(finance):
    current = ExchangeRateFactory()

    new = replace("1700.5", by=finance)

    assert (new.set_by, ExchangeRate.objects.count()) == (finance, 2)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject) == ("exchange_rate.set", finance, "NGN")
    assert (entry.before, entry.after) == (
        {"units_per_usd": str(current.units_per_usd)},
        {"units_per_usd": "1700.5"},
    )


def test_replace_exchange_rate_of_none_wants_a_confirmation(finance):
    with pytest.raises(ExchangeRateJumpError, match=r"1650 would be the first rate of NGN\. If it is meant"):
        replace("1650", by=finance)
    unchanged = ExchangeRate.objects.count()

    assert replace("1650", by=finance, is_confirmed=True).units_per_usd == 1650
    assert unchanged == 0
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.reason) == (None, "1650 would be the first rate of NGN.")


def test_replace_exchange_rate_needs_the_permission():
    with pytest.raises(PermissionDeniedError, match="You may not set exchange rates"):
        replace("1650", by=UserFactory())

    assert not ExchangeRate.objects.exists()


def test_replace_exchange_rate_that_cannot_be_used_is_refused(finance):
    with pytest.raises(ExchangeRateInvalidError):
        replace("0", by=finance, is_confirmed=True)


@pytest.mark.parametrize("replaces", [None, uuid4()])
def test_replace_exchange_rate_that_is_not_in_force_any_more_is_refused(finance, replaces):
    ExchangeRateFactory()

    with pytest.raises(ExchangeRateReplacedError):
        replace("1651", by=finance, replaces=replaces)

    assert (ExchangeRate.objects.count(), AuditEntry.objects.count()) == (1, 0)


def test_replace_exchange_rate_by_another_that_was_set_later_is_refused(finance):
    now = timezone.now()
    first = ExchangeRateFactory(valid_from=now - timedelta(hours=1))
    ExchangeRateFactory(valid_from=now + timedelta(seconds=1))

    with pytest.raises(ExchangeRateReplacedError):
        replace("1651", by=finance, replaces=first.pk, now=now)


@pytest.mark.parametrize("units_per_usd", ["1815.000001", "1484.999999"])
def test_replace_exchange_rate_by_one_far_away_wants_a_confirmation(finance, units_per_usd):
    ExchangeRateFactory()

    with pytest.raises(ExchangeRateJumpError, match="which is in force"):
        replace(units_per_usd, by=finance)
    unchanged = ExchangeRate.objects.count()
    replace(units_per_usd, by=finance, is_confirmed=True)

    assert (unchanged, ExchangeRate.objects.count()) == (1, 2)
    assert "% against 1650, which is in force." in AuditEntry.objects.get().reason


@pytest.mark.parametrize(
    ("hours", "is_refused"),
    [
        # In force until an hour ago, though set long before.
        ((240, 1), True),
        ((240, 23), True),
        ((240, 25), False),
    ],
)
def test_replace_exchange_rate_is_held_against_each_rate_of_the_last_day(finance, hours, is_refused):
    now = timezone.now()
    for rate, ago in zip((1500, 1650), hours, strict=True):
        ExchangeRateFactory(units_per_usd=Decimal(rate), valid_from=now - timedelta(hours=ago))

    def step():
        return replace("1700", by=finance, now=now)

    highest = Decimal(1650) if is_refused else Decimal(1815)
    assert exchange_rates.find_bounds("NGN", now=now) == (Decimal(1485), highest)
    if is_refused:
        with pytest.raises(ExchangeRateJumpError, match=r"13\.33 % against 1500"):
            step()
    else:
        assert step().units_per_usd == 1700


def test_find_bounds_of_a_currency_without_a_rate_are_none(db):
    assert exchange_rates.find_bounds("ZAR", now=timezone.now()) is None


@pytest.mark.parametrize("units_per_usd", ["1815", "1485"])
def test_replace_exchange_rate_by_one_ten_percent_away_does_not(finance, units_per_usd):
    ExchangeRateFactory()

    assert replace(units_per_usd, by=finance).units_per_usd == Decimal(units_per_usd)


def test_replace_exchange_rate_with_the_same_key_sets_it_once(finance):
    current, key = ExchangeRateFactory(), uuid4()

    made = [replace("1700", by=finance, key=key, replaces=current.pk) for _ in range(2)]

    assert made[0] == made[1]
    assert (ExchangeRate.objects.count(), AuditEntry.objects.count()) == (2, 1)
    with pytest.raises(ExchangeRateKeyReusedError):
        replace("1701", by=finance, key=key)


def test_replace_exchange_rate_at_once_sets_one(finance):
    current = ExchangeRateFactory()

    results = run_together(
        [partial(replace, rate, by=finance, replaces=current.pk) for rate in ("1700", "1710", "1720")]
    )

    assert sum(isinstance(result, ExchangeRateReplacedError) for result in results) == 2
    assert (ExchangeRate.objects.count(), AuditEntry.objects.count()) == (2, 1)


@pytest.mark.parametrize(
    ("before", "after", "percent"), [("1650", "1700", "3.03"), ("1650", "1600", "-3.03"), ("3", "3", "0.00")]
)
def test_find_change_percent(before, after, percent):
    assert exchange_rates.find_change_percent(Decimal(before), Decimal(after)) == Decimal(percent)
