"""A payment whose event waits for a person: its page leads to the event, and says what Paystack reported."""

import json

import pytest

from tests.factories.payments import WebhookEventFactory
from tests.factories.users import StaffFactory
from tests.integration.back_office import payment_cases
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.reading import count_queries, list_offers, read
from tests.unit.payments.services import told_events

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = "/admin/payments/webhookevent/"


@pytest.fixture
def payment(sandbox):
    return told_events.buy()


@pytest.fixture
def dead(payment):
    body = json.dumps({"event": "charge.success", "data": {"amount": 9_900_000, "currency": "NGN"}}).encode()
    return told_events.bury(WebhookEventFactory(reference=payment.reference, body=body))


def page_of(payment):
    return f"/admin/payments/paymentlog/{payment.pk}/change/"


def test_the_page_says_what_paystack_reported_and_not_that_nothing_was_paid(staff, payment, dead):
    page = read(staff("Support"), page_of(payment))

    assert "Paid Paystack reported 99,000.00 NGN; not processed yet" in page
    assert "nothing, as far as we know" not in page


def test_the_page_of_a_payment_that_nobody_heard_of_says_that_nothing_was_paid(staff, payment):
    assert "Paid nothing, as far as we know" in read(staff("Support"), page_of(payment))


def test_the_sentence_links_its_event(staff, payment, dead):
    client = staff("Auditor")
    page = client.get(page_of(payment)).content.decode()

    assert f'Its event <a href="{EVENTS}{dead.pk}/change/"' in page
    assert f">{dead.pk}</a> is a dead letter: find out why, then replay it." in page


@pytest.mark.parametrize(("role", "is_offered"), [("Support", True), ("Operator", True), ("Auditor", False)])
def test_replaying_the_event_is_offered_first_to_whoever_may(staff, payment, dead, role, is_offered):
    client = staff(role)

    offers = client.get(page_of(payment)).context["offers"]

    assert [offer.url for offer in offers if offer.label == "Replay its event"] == (
        [f"{EVENTS}{dead.pk}/replay/"] if is_offered else []
    )
    assert not is_offered or offers[0].label == "Replay its event"


def test_replaying_an_event_that_nothing_is_done_for_is_not_offered(staff, payment):
    WebhookEventFactory(
        reference=payment.reference, event_type="invoice.create", status="dead", error_class="X", next_attempt_at=None
    )

    assert "Replay its event" not in list_offers(staff("Support"), page_of(payment))


def test_replaying_is_not_offered_where_no_event_waits(staff, sandbox, settings):
    payment = payment_cases.completed(sandbox, settings)

    assert "Replay its event" not in list_offers(staff("Support"), page_of(payment))


def test_the_page_takes_as_many_queries_for_three_events_as_for_one(staff, payment, dead):
    client = log_in(StaffFactory())
    client.get(page_of(payment))
    once = count_queries(client, page_of(payment))
    for _ in range(2):
        told_events.bury(WebhookEventFactory(reference=payment.reference))

    assert count_queries(client, page_of(payment)) == once
