"""Each row of the contract's table of answers to the gateway, over HTTP: what is said, and what is kept.

Many more bodies and signatures stand in tests/unit/payments/webhooks/test_views.py.
"""

import httpx
import pytest
from structlog.testing import capture_logs

from billing.models import Transaction
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhooks
from tests.events import SECRET_KEY, charge_success, sign
from tests.factories.payments import PaymentFactory
from tests.processes.product import WEBHOOK_PATH
from tests.unit.payments.webhooks.odd_bodies import REFERENCE
from tests.webhook_mutations import LIMIT_BYTES, PREVIOUS_KEY

RAW = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
ANOTHER = charge_success(reference="nmk-another", amount_minor=4_125_000, transaction_id=302_962)
DELIVERED = (200, {"status": "success"})

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def http():
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def deliver(live_server, http):
    """Return what posts a body as the gateway does; `signature=None` leaves the header out."""

    def post(raw=RAW, *, signature="good", method="POST", **headers):
        if signature is not None:
            headers["x-paystack-signature"] = sign(raw) if signature == "good" else signature
        return http.request(method, live_server.url + WEBHOOK_PATH, content=raw, headers=headers)

    return post


@pytest.fixture
def payment():
    """The purchase that RAW says was paid."""
    return PaymentFactory(reference=REFERENCE)


def told(answer):
    return (answer.status_code, answer.json())


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    return (answer.status_code, answer.json()["code"])


def kept():
    """Return how the one kept body counts, and the body."""
    event = WebhookEvent.objects.get()
    return (event.status, event.error_class, bytes(event.body))


def test_signature_missing(deliver):
    answer = deliver(signature=None)

    assert problem(answer) == (401, "signature_missing")
    assert WebhookEvent.objects.count() == 0


def test_signature_under_no_accepted_key_is_counted_and_nothing_is_stored(deliver, settings):
    settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY = "sk_test_new", PREVIOUS_KEY

    answers = [deliver(signature=sign(RAW, key=key)) for key in (SECRET_KEY, "sk_test_another", "")]

    assert [problem(answer) for answer in answers] == [(401, "signature_invalid")] * 3
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=59", "r=58", "r=57"]
    assert WebhookEvent.objects.count() == 0


def test_signature_under_the_current_and_the_previous_key_during_a_rotation(deliver, settings):
    settings.PAYSTACK_PREVIOUS_SECRET_KEY = PREVIOUS_KEY

    answers = [deliver(raw, signature=sign(raw, key=key)) for raw, key in ((RAW, SECRET_KEY), (ANOTHER, PREVIOUS_KEY))]

    assert [told(answer) for answer in answers] == [DELIVERED] * 2
    assert WebhookEvent.objects.filter(status="received").count() == 2


def test_signed_and_new_is_committed_to_the_inbox_and_not_processed_within_the_request(deliver, payment):
    answer = deliver()

    # This thread sees of the server's only what was committed.
    assert told(answer) == DELIVERED
    assert kept() == ("received", "", RAW)
    assert (PaymentLog.objects.get().state, Transaction.objects.count()) == ("pending", 0)


def test_signed_and_seen_before_counts_and_has_no_second_effect(deliver, payment):
    deliver()
    webhooks.drain_inbox()

    again = deliver()
    webhooks.drain_inbox()

    event = WebhookEvent.objects.get()
    assert told(again) == DELIVERED
    assert (event.deliveries, event.status, event.attempts) == (2, "processed", 1)
    assert list(Transaction.objects.values_list("type", "amount")) == [("credit", 25)]


def test_signed_and_seen_before_but_not_yet_processed_still_gets_processed(deliver, payment):
    answers = [deliver() for _ in range(3)]

    webhooks.drain_inbox()

    event = WebhookEvent.objects.get()
    assert [told(answer) for answer in answers] == [DELIVERED] * 3
    assert (event.deliveries, event.status, event.payment_id) == (3, "processed", payment.pk)
    assert PaymentLog.objects.get().state == "completed"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(RAW.replace(b"4125000", b"NaN", 1), id="NaN"),
        pytest.param(RAW.replace(b"{", b'{"event": "charge.failed", ', 1), id="duplicate keys"),
        pytest.param(RAW.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(RAW.replace(b'""', b"[" * 63 + b"]" * 63), id="too deep"),
        pytest.param(b"[" + RAW + b"]", id="not an object"),
        pytest.param(RAW.replace(b'"event"', b'"type"', 1), id="no event"),
    ],
)
def test_signed_and_no_event_is_kept_as_quarantined(deliver, raw):
    answer = deliver(raw)

    assert problem(answer) == (400, "malformed_event")
    assert kept() == ("quarantined", "malformed_event", raw)


@pytest.mark.parametrize("event", [b"charge.success", b"charge.failed"])
@pytest.mark.parametrize("reference", [b"null", b'""', b'"nmk 1"', b"17"])
def test_signed_charge_without_a_usable_reference_is_kept_as_quarantined(deliver, event, reference):
    raw = b'{"event": "%s", "data": {"reference": %s}}' % (event, reference)

    answer = deliver(raw)

    assert problem(answer) == (400, "reference_missing")
    assert kept() == ("quarantined", "reference_missing", raw)


@pytest.mark.parametrize("event", [b"charge.success", b"charge.failed"])
def test_signed_charge_of_another_product_is_kept_as_ignored(deliver, event):
    raw = b'{"event": "%s", "data": {"reference": "shop-1"}}' % event

    answer = deliver(raw)

    assert told(answer) == DELIVERED
    assert kept() == ("ignored", "foreign_reference", raw)


def test_signed_event_of_an_unknown_type_is_kept_as_ignored(deliver):
    raw = RAW.replace(b"charge.success", b"subscription.expiring_cards")

    answer = deliver(raw)

    assert told(answer) == DELIVERED
    assert kept() == ("ignored", "unknown_type", raw)


def test_signed_event_of_the_other_mode_is_kept_as_quarantined_and_told_to_the_log(deliver, settings, payment):
    settings.PAYSTACK_SECRET_KEY = "sk_live_a_real_key"

    with capture_logs() as lines:
        answer = deliver(signature=sign(RAW, key="sk_live_a_real_key"))
    webhooks.drain_inbox()

    assert told(answer) == DELIVERED
    assert kept() == ("quarantined", "wrong_domain", RAW)
    assert [line["reason"] for line in lines if line["event"] == "webhook_quarantined"] == ["wrong_domain"]
    assert Transaction.objects.count() == 0


def test_database_down_asks_for_another_delivery_which_is_stored(deliver, database_away):
    with database_away():
        refused = deliver()

    assert problem(refused) == (503, "database_unavailable")
    assert told(deliver()) == DELIVERED
    assert kept() == ("received", "", RAW)


def test_body_of_256_kib_is_taken_and_one_byte_more_is_not(deliver):
    largest = RAW.ljust(LIMIT_BYTES)

    answers = [deliver(largest), deliver(largest + b" ")]

    assert told(answers[0]) == DELIVERED
    assert problem(answers[1]) == (413, "body_too_large")
    assert kept() == ("received", "", largest)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_method(deliver, method):
    answer = deliver(method=method)

    assert problem(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    assert WebhookEvent.objects.count() == 0


def test_nothing_but_the_signature_is_looked_at(deliver):
    headers = {
        "Authorization": "Bearer made-up",
        "Cookie": "sessionid=" + "a" * 32,
        "Idempotency-Key": "not a key",
        "Origin": "https://evil.example",
        "Content-Type": "multipart/form-data; boundary=x",
        "Accept": "text/html",
    }

    answer = deliver(**headers)

    assert told(answer) == DELIVERED
    assert kept() == ("received", "", RAW)
    assert answer.headers.get("Set-Cookie") is None
