"""A purchase from beginning to end: initialize, pay at the gateway, the event comes, the credits are there."""

import httpx
import pytest
from django.test import Client

from devtools.sandbox import server
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhooks
from tests.events import SECRET_KEY
from tests.integration.api.clients import BILLING, PAYMENTS, ApiClient, problem, read
from tests.processes.product import WEBHOOK_PATH

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def posting_sandbox(live_server, settings):
    """A gateway that posts its events to the product, over a real socket."""
    with server.running(secret_key=SECRET_KEY, webhook_url=f"{live_server.url}{WEBHOOK_PATH}") as running:
        settings.PAYSTACK_BASE_URL = running.url
        yield running


def test_a_paid_purchase_is_credited_once_by_its_event(api, posting_sandbox):
    reference = read(api.initialize())["reference"]

    paid = posting_sandbox.pay(reference)
    before = api.balance()
    more_is_left = webhooks.drain_inbox()

    assert [delivery["status"] for delivery in paid["deliveries"]] == [200]
    assert (before, more_is_left, api.balance()) == ("0.00", False, "25.00")
    body = read(api.get(f"{PAYMENTS}/{reference}"))
    assert [(step["to"], step["source"]) for step in body["state_transitions"]] == [
        ("pending", "api"),
        ("processing", "api"),
        ("completed", "webhook"),
    ]
    (entry,) = read(api.get(f"{BILLING}/transactions"))["results"]
    assert (entry["amount"], entry["payment_reference"]) == ("25.00", reference)


def test_a_purchase_verified_and_delivered_five_times_is_credited_once(api, posting_sandbox):
    reference = read(api.initialize())["reference"]

    paid = posting_sandbox.pay(reference, deliveries=5)
    api.verify(reference)
    webhooks.drain_inbox()
    posting_sandbox.deliver(reference)
    webhooks.drain_inbox()

    assert [delivery["status"] for delivery in paid["deliveries"]] == [200] * 5
    assert WebhookEvent.objects.get().deliveries == 6
    assert api.balance() == "25.00"
    assert read(api.verify(reference))["status"] == "success"


def test_a_purchase_credits_whoever_began_it(api, posting_sandbox):
    stranger = ApiClient()
    reference = read(api.initialize())["reference"]

    posting_sandbox.pay(reference)
    webhooks.drain_inbox()

    assert (api.balance(), stranger.balance()) == ("25.00", "0.00")


def test_what_the_payer_writes_into_the_metadata_decides_nothing(api, posting_sandbox):
    stranger = ApiClient()
    reference = read(api.initialize(amount_usd="5.00"))["reference"]

    posting_sandbox.pay(
        reference, metadata=f'{{"user_id": {stranger.user.pk}, "amount_usd": "9999.00", "credits": 9999}}'
    )
    webhooks.drain_inbox()

    assert (api.balance(), stranger.balance()) == ("5.00", "0.00")


def test_a_purchase_paid_with_one_kobo_is_not_credited(api, posting_sandbox):
    reference = read(api.initialize())["reference"]

    posting_sandbox.pay(reference, amount_minor=1)
    webhooks.drain_inbox()

    payment = PaymentLog.objects.get()
    assert (api.balance(), payment.credited, payment.review_reason != "") == ("0.00", False, True)


def test_an_event_that_somebody_else_wrote_is_refused_and_not_kept(api, posting_sandbox):
    reference = read(api.initialize())["reference"]
    raw = f'{{"event": "charge.success", "data": {{"reference": "{reference}", "amount": 4125000}}}}'

    answer = Client().post(
        WEBHOOK_PATH, raw, content_type="application/json", headers={"x-paystack-signature": "0" * 128}
    )

    assert problem(answer) == (401, "signature_invalid")
    assert (WebhookEvent.objects.count(), api.balance()) == (0, "0.00")


def test_a_checkout_page_is_where_the_answer_says(api, posting_sandbox):
    body = read(api.initialize())

    page = httpx.get(body["authorization_url"], trust_env=False)

    assert page.status_code == 200
    assert api.user.email in page.text
