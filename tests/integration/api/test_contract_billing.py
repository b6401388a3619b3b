"""Section 3 of the contract: what a ledger and its summary show."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from billing.lifecycles import TransactionType
from payments.lifecycles import PaymentState
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.integration.api.clients import SUMMARY, TRANSACTIONS, field_codes, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


@pytest.fixture
def wallet(api):
    """Return the wallet of a user who has ten credits."""
    return post(api.user).wallet


@pytest.fixture
def debited(api, service, wallet):
    """Return the reference of a debit of one credit."""
    return read(service.debit(api.user, "1.00", reference="sms-1", service="otp"))["reference"]


def test_a_ledger_shows_how_much_of_a_debit_still_stands(api, service, debited):
    def status():
        return {row["reference"]: row["status"] for row in read(api.get(TRANSACTIONS))["results"]}[debited]

    seen = [status()]
    for amount in ("0.4000", "0.6000"):
        service.reverse(debited, amount=amount)
        seen.append(status())

    assert seen == ["completed", "partly_reversed", "reversed"]
    others = {row["status"] for row in read(api.get(TRANSACTIONS))["results"] if row["reference"] != debited}
    assert others == {"completed"}


def test_a_ledger_shows_its_owner_what_was_reversed_and_not_whose_software_did_it(api, service, debited):
    service.reverse(debited)

    rows = read(api.get(TRANSACTIONS))["results"]

    assert [(row["type"], row["amount"], row["reverses"]) for row in rows] == [
        ("reversal", "1.00", "sms-1"),
        ("debit", "-1.00", None),
        ("adjustment", "10.00", None),
    ]
    assert {"user_id", "created_by"} & set(rows[0]) == set()


def test_a_summary_adds_up_what_moved(api, service, wallet):
    PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    for reference in ("sms-1", "sms-2"):
        service.debit(api.user, "1.2500", reference=reference)
    service.reverse("sms-1", amount="0.0001")
    post(api.user, type=TransactionType.REFUND, amount=Decimal(-3))

    answer = api.get(SUMMARY, days="7")

    body = read(answer)
    assert (answer.status_code, body) == (
        200,
        {
            "days": 7,
            "from": body["from"],
            "to": body["to"],
            "credited": "25.00",
            "spent": "2.50",
            "refunded": "3.00",
            "reversed": "0.0001",
            "adjusted": "10.00",
            "count": {"credit": 1, "debit": 2, "refund": 1, "reversal": 1, "adjustment": 1},
        },
    )
    assert datetime.fromisoformat(body["to"]) - datetime.fromisoformat(body["from"]) == timedelta(days=7)


def test_a_summary_of_nothing_is_nothing(api):
    body = read(api.get(SUMMARY))

    assert {body[name] for name in ("credited", "spent", "refunded", "reversed", "adjusted")} == {"0.00"}
    assert (body["days"], set(body["count"].values())) == (30, {0})


@pytest.mark.parametrize("days", ["1", "366"])
def test_a_summary_takes_the_bounds_themselves(api, days):
    assert read(api.get(SUMMARY, days=days))["days"] == int(days)


@pytest.mark.parametrize(("days", "code"), [("0", "min_value"), ("367", "max_value"), ("", "invalid")])
def test_a_summary_of_another_period_is_refused(api, days, code):
    assert field_codes(api.get(SUMMARY, days=days)) == [("days", code)]


def _post_at(user, moment):
    with time_machine.travel(moment):
        post(user)


def test_a_summary_begins_where_its_period_does(api):
    for age in (timedelta(days=1, seconds=30), timedelta(hours=23), timedelta(0)):
        _post_at(api.user, timezone.now() - age)

    assert [read(api.get(SUMMARY, days=days))["adjusted"] for days in ("1", "2")] == ["20.00", "30.00"]
