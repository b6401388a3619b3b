import json

import pytest
from django.db import connection
from django.test import Client

from payments.models import WebhookEvent
from tests.events import SECRET_KEY, charge_success, sign
from tests.unit.payments.webhooks import samples
from tests.unit.payments.webhooks.odd_bodies import ODD_BODIES, REFERENCE

PATH = "/api/v1/payments/paystack/webhook"
BODY = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
SUCCESS = {"status": "success"}

pytestmark = pytest.mark.django_db


def deliver(raw, signature=None, *, content_type="application/json", **headers):
    headers = {"x-paystack-signature": sign(raw) if signature is None else signature, **headers}
    # As Paystack: no cookie, no token, and CSRF is not switched off by the client.
    return Client(enforce_csrf_checks=True).post(PATH, raw, content_type=content_type, headers=headers)


def problem(response):
    assert response.headers["Content-Type"] == "application/problem+json"
    return (response.status_code, response.json()["code"])


def test_receive_webhook_stores_the_event_and_answers_200():
    response = deliver(BODY)

    assert (response.status_code, response.json()) == (200, SUCCESS)
    event = WebhookEvent.objects.get()
    assert (event.status, event.reference, bytes(event.body)) == ("received", REFERENCE, BODY)


def test_receive_webhook_again_answers_the_same_and_counts():
    answers = [deliver(BODY) for _ in range(3)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, SUCCESS)] * 3
    assert WebhookEvent.objects.get().deliveries == 3


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_receive_webhook_takes_any_content_type(content_type):
    assert deliver(BODY, content_type=content_type).status_code == 200
    assert bytes(WebhookEvent.objects.get().body) == BODY


@pytest.mark.parametrize("name", sorted(samples.SIGNATURES))
def test_receive_webhook_documented_sample_with_its_published_signature(name):
    raw = samples.load(name)

    response = deliver(raw, samples.SIGNATURES[name])

    assert (response.status_code, response.json()) == (200, SUCCESS)
    event = WebhookEvent.objects.get()
    assert (event.event_type, bytes(event.body)) == (name, raw)
    assert event.status == "ignored"


@pytest.mark.parametrize(
    "rewrite",
    [
        json.dumps,
        lambda event: json.dumps(event, separators=(",", ":")),
        lambda event: json.dumps(event, separators=(",", ":"), ensure_ascii=False),
    ],
)
def test_receive_webhook_parsed_and_written_again_is_refused(rewrite):
    raw = samples.load("charge.success")
    rewritten = rewrite(json.loads(raw)).encode()

    assert problem(deliver(rewritten, samples.SIGNATURES["charge.success"])) == (401, "signature_invalid")
    assert not WebhookEvent.objects.exists()


def test_receive_webhook_without_a_signature():
    response = Client().post(PATH, BODY, content_type="application/json")

    assert problem(response) == (401, "signature_missing")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param(sign(BODY, key="sk_test_another"), id="other key"),
        pytest.param(sign(BODY, key=""), id="empty key"),
        pytest.param(sign(BODY + b" "), id="other body"),
        pytest.param(sign(BODY).upper(), id="capitals"),
        pytest.param(sign(BODY)[:-1], id="cut off"),
        pytest.param(sign(BODY) + "0", id="too long"),
        pytest.param(" " + sign(BODY), id="blank before"),
        pytest.param("\u00e9" * 128, id="letters beyond ASCII"),
        pytest.param("\u0661" * 128, id="digits beyond ASCII"),
        pytest.param("0" * 128, id="zeros"),
    ],
)
def test_receive_webhook_wrong_signature_stores_nothing(signature):
    assert problem(deliver(BODY, signature)) == (401, "signature_invalid")
    assert not WebhookEvent.objects.exists()


def test_receive_webhook_previous_key_is_accepted_during_a_rotation(settings):
    settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY = "sk_test_new", SECRET_KEY

    assert deliver(BODY).status_code == 200
    assert deliver(BODY + b"\n", sign(BODY + b"\n", key="sk_test_new")).status_code == 200
    assert WebhookEvent.objects.count() == 2


def test_receive_webhook_empty_keys_let_nobody_in(settings):
    settings.PAYSTACK_SECRET_KEY = settings.PAYSTACK_PREVIOUS_SECRET_KEY = ""

    assert problem(deliver(BODY, sign(BODY, key=""))) == (401, "signature_invalid")


@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda odd: odd.name)
def test_receive_webhook_odd_body_is_answered_clearly_and_kept(odd):
    response = deliver(odd.raw)

    if odd.is_refused:
        assert problem(response) == (400, odd.error_class)
    else:
        assert (response.status_code, response.json()) == (200, SUCCESS)
    event = WebhookEvent.objects.get()
    assert (event.status, event.error_class, bytes(event.body)) == (odd.status, odd.error_class, odd.raw)


@pytest.mark.parametrize("size", [256 * 1024 - 1, 256 * 1024])
def test_receive_webhook_of_256_kib_is_stored(size):
    raw = b'{"event": "party.started"}'.ljust(size)

    assert deliver(raw).status_code == 200
    assert len(WebhookEvent.objects.get().body) == size


def test_receive_webhook_over_256_kib_is_refused():
    raw = b'{"event": "party.started"}'.ljust(256 * 1024 + 1)

    assert problem(deliver(raw)) == (413, "body_too_large")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_receive_webhook_other_method_is_refused(method):
    response = getattr(Client(), method)(PATH)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [PATH + "/", PATH + "s"])
def test_receive_webhook_has_one_address(path):
    response = Client().post(path, BODY, content_type="application/json", headers={"x-paystack-signature": sign(BODY)})

    assert response.status_code == 404
    assert not WebhookEvent.objects.exists()


def test_receive_webhook_takes_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        deliver(BODY)


@pytest.fixture
def database_away(transactional_db, monkeypatch):
    """Point the next connection at a port where nobody listens."""
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        patch.setitem(connection.settings_dict, "PORT", "1")
        yield
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_receive_webhook_database_away_asks_for_another_delivery(database_away):
    response = deliver(BODY)

    assert problem(response) == (503, "database_unavailable")
    assert response.headers["Retry-After"] == "2"


@pytest.mark.django_db(transaction=True)
def test_receive_webhook_database_away_still_refuses_what_is_not_signed(database_away):
    assert problem(deliver(BODY, sign(BODY, key="sk_test_another"))) == (401, "signature_invalid")
