import json

import pytest

from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.services import webhooks
from payments.services.reported_money import tell_reported
from tests.factories.payments import WebhookEventFactory
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import read as reread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return told_events.buy()


def told_by(payment, body, **columns):
    columns = {"event_type": "charge.success", "status": EventStatus.DEAD, "next_attempt_at": None} | columns
    return WebhookEventFactory(reference=payment.reference, body=body, **columns)


def charge(**fields):
    return json.dumps({"event": "charge.success", "data": {"amount": 9_900_000, "currency": "NGN"} | fields}).encode()


def test_nothing_is_reported_of_a_payment_without_events(payment):
    assert tell_reported(payment) == ""


@pytest.mark.parametrize("status", [EventStatus.DEAD, EventStatus.QUARANTINED])
def test_what_an_event_without_effect_says_is_told(payment, status):
    told_by(payment, charge(), status=status)

    assert tell_reported(payment) == "Paystack reported 99,000.00 NGN; not processed yet."


def test_what_an_event_that_waits_says_is_told_until_it_had_its_effect(payment, sandbox):
    told_events.pay(sandbox, payment)
    assert tell_reported(payment) == "Paystack reported 41,250.00 NGN; not processed yet."

    webhooks.drain_inbox()

    assert WebhookEvent.objects.get().status == EventStatus.PROCESSED
    assert tell_reported(reread(payment)) == ""


def test_an_event_that_was_given_up_is_not_told(payment):
    told_by(payment, charge(), status=EventStatus.DISMISSED)

    assert tell_reported(payment) == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"{}", b'{"data": 7}', charge(amount="much"), charge(amount=0), charge(currency="")],
)
def test_a_body_that_tells_nothing_is_not_told(payment, body):
    told_by(payment, body)

    assert tell_reported(payment) == ""
