import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing.models import ExchangeRate
from billing.selectors.exchange_rates import get_exchange_rate
from namaskah.audit.models import AuditEntry
from tests.factories.billing import ExchangeRateFactory
from tests.factories.commands import run
from tests.factories.people import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ada():
    """Who sets rates."""
    return AgentFactory(username="ada", permission="set_exchange_rate")


def set_rate(*arguments, by="ada"):
    return run("set_exchange_rate", *arguments, "--by", by)


@pytest.mark.parametrize(
    ("currency", "rate", "expected"),
    [
        ("NGN", "1650", "1650"),
        ("ngn", "1650.25", "1650.25"),
        ("GHS", "0.000001", "0.000001"),
        ("ZAR", "18.200000", "18.2"),
    ],
)
def test_set_exchange_rate_is_in_force_at_once(currency, rate, expected):
    stdout, _ = set_rate(currency, rate)

    saved = ExchangeRate.objects.get()
    assert get_exchange_rate(currency.upper(), now=timezone.now()) == Decimal(expected)
    assert stdout == [f"Set {currency.upper()} to {rate} per USD, valid from {saved.valid_from.isoformat()}."]
    assert timezone.now() - saved.valid_from < timedelta(minutes=1)


def test_set_exchange_rate_again_keeps_the_earlier_one_as_history():
    set_rate("NGN", "1650")

    set_rate("NGN", "1700")

    assert list(ExchangeRate.objects.order_by("id").values_list("units_per_usd", flat=True)) == [1650, 1700]
    assert get_exchange_rate("NGN", now=timezone.now()) == 1700


@pytest.mark.parametrize(
    ("currency", "rate", "message"),
    [
        ("USD", "1", "'USD' has no exchange rate; use one of NGN, GHS, KES, ZAR."),
        ("EUR", "1", "'EUR' has no exchange rate; use one of NGN, GHS, KES, ZAR."),
        ("", "1", "'' has no exchange rate; use one of NGN, GHS, KES, ZAR."),
        ("NGN", "0", "The rate must be a positive number."),
        ("NGN", "-1650", "The rate must be a positive number."),
        ("NGN", "NaN", "The rate must be a positive number."),
        ("NGN", "sNaN", "The rate must be a positive number."),
        ("NGN", "Infinity", "The rate must be a positive number."),
        ("NGN", "1000000000000", "The rate must be a positive number."),
        ("NGN", "1e999999", "The rate must be a positive number."),
        ("NGN", "1650.0000001", "The rate has more than six decimals."),
        ("NGN", "1e-999999", "The rate has more than six decimals."),
        ("NGN", "soon", "'soon' is not a number."),
        ("NGN", "", "'' is not a number."),
        ("NGN", "1,650", "'1,650' is not a number."),
    ],
)
def test_set_exchange_rate_refuses_what_cannot_be_used(currency, rate, message):
    with pytest.raises(CommandError) as refusal:
        set_rate(currency, rate)

    assert str(refusal.value) == message
    assert ExchangeRate.objects.count() == 0


def test_set_exchange_rate_as_a_dry_run_writes_nothing():
    stdout, _ = set_rate("NGN", "1650", "--dry-run")

    assert stdout[0].startswith("Would set NGN to 1650 per USD, valid from ")
    assert ExchangeRate.objects.count() == 0


def test_set_exchange_rate_as_a_dry_run_refuses_all_the_same():
    with pytest.raises(CommandError, match="positive"):
        set_rate("NGN", "0", "--dry-run")


@pytest.mark.parametrize("is_dry_run", [False, True])
def test_set_exchange_rate_as_json_is_one_object(is_dry_run):
    (line,), _ = set_rate("NGN", "1650", "--json", *(["--dry-run"] if is_dry_run else []))

    answer = json.loads(line)
    assert parse_datetime(answer.pop("valid_from")).tzinfo is not None
    assert answer == {"currency": "NGN", "units_per_usd": "1650", "dry_run": is_dry_run}


@pytest.mark.parametrize("rate", ["1500", "1815", "1485", "165", "16500"])
def test_set_exchange_rate_far_from_the_one_in_force_needs_to_be_confirmed(rate):
    ExchangeRateFactory(units_per_usd=1650)
    is_far = rate in {"165", "16500"}

    if is_far:
        with pytest.raises(CommandError, match=r"in force\. If it is meant, .* --confirm\. Nothing was changed"):
            set_rate("NGN", rate)
        assert ExchangeRate.objects.get().units_per_usd == 1650
        assert AuditEntry.objects.count() == 0
    set_rate("NGN", rate, *(["--confirm"] if is_far else []))

    assert get_exchange_rate("NGN", now=timezone.now()) == Decimal(rate)


def test_set_exchange_rate_writes_who_set_it_to_the_audit_log(ada):
    set_rate("NGN", "1650")
    set_rate("NGN", "1700")

    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.action, entry.subject) == (ada, "exchange_rate.set", "NGN")
    assert (entry.before, entry.after) == ({"units_per_usd": "1650.000000"}, {"units_per_usd": "1700"})
    assert ExchangeRate.objects.latest("valid_from").set_by == ada


def test_set_exchange_rate_as_a_dry_run_writes_no_audit_entry():
    set_rate("NGN", "1650", "--dry-run")

    assert AuditEntry.objects.count() == 0


def test_set_exchange_rate_needs_a_person_who_may():
    AgentFactory(username="bea")

    with pytest.raises(CommandError, match="You may not set exchange rates"):
        set_rate("NGN", "1650", by="bea")
    with pytest.raises(CommandError, match="There is no active account 'nobody'"):
        set_rate("NGN", "1650", by="nobody")
    with pytest.raises(CommandError, match="--by"):
        run("set_exchange_rate", "NGN", "1650")

    assert ExchangeRate.objects.count() == 0
