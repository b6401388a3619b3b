from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from namaskah.idempotency.models import IdempotencyKey
from payments.models import GatewayCall, PaymentLog
from tests.factories.billing import ExchangeRateFactory
from tests.factories.users import UserFactory
from tests.integration.api.clients import INITIALIZE, ApiClient, field_codes, problem, read

pytestmark = pytest.mark.django_db


def test_initialize_answers_201_in_the_shape_of_the_contract(api, sandbox):
    before = datetime.now(UTC)

    answer = api.initialize(currency="NGN")

    body = read(answer)
    payment = PaymentLog.objects.get()
    assert (answer.status_code, answer["Content-Type"]) == (201, "application/json")
    assert body == {
        "payment_id": str(payment.pk),
        "reference": payment.reference,
        "authorization_url": payment.authorization_url,
        "access_code": payment.access_code,
        "state": "processing",
        "amount_usd": "25.00",
        "credits": "25.00",
        "currency": "NGN",
        "amount_minor": 4_125_000,
        "exchange_rate": "1650.000000",
        "created_at": body["created_at"],
    }
    assert body["created_at"].endswith("Z")
    assert before <= datetime.fromisoformat(body["created_at"]) <= datetime.now(UTC)
    assert body["authorization_url"].startswith(sandbox.url)
    assert body["access_code"] != ""


def test_initialize_asks_the_gateway_for_what_it_answers(api, sandbox):
    body = read(api.initialize())

    asked = sandbox.transactions()[0]
    assert (asked["reference"], asked["requested_amount_minor"], asked["currency"], asked["email"]) == (
        body["reference"],
        4_125_000,
        "NGN",
        api.user.email,
    )


def test_initialize_writes_payment_call_and_key_down(api, sandbox):
    key = uuid4()

    answer = api.initialize(key=key)

    payment = PaymentLog.objects.get()
    call = GatewayCall.objects.get()
    kept = IdempotencyKey.objects.get()
    assert (payment.user, payment.idempotency_key, payment.attempt) == (api.user, key, 1)
    assert [(step["from"], step["to"]) for step in payment.state_transitions] == [
        (None, "pending"),
        ("pending", "processing"),
    ]
    assert (call.operation, call.outcome, call.payment, call.request_id) == (
        "initialize",
        "answered",
        payment,
        answer["X-Request-ID"],
    )
    assert (kept.recovery_point, kept.resource, bytes(kept.response_body)) == (
        "finished",
        payment.reference,
        answer.content,
    )


def test_initialize_says_until_when_its_key_is_known(api, sandbox):
    answer = api.initialize()

    expires_at = datetime.fromisoformat(answer["Idempotency-Expires"])
    assert answer["Idempotency-Expires"].endswith("Z")
    assert timedelta(hours=71, minutes=59) < expires_at - timezone.now() <= timedelta(hours=72)


def test_initialize_takes_everything_that_may_be_sent(api, sandbox):
    ExchangeRateFactory(currency="GHS", units_per_usd=Decimal("15.50"))

    answer = api.initialize(
        amount_usd=19.99, currency="GHS", callback_url="https://shop.example.com/done?a=1", channels=["card", "ussd"]
    )

    body = read(answer)
    assert answer.status_code == 201
    # 19.99 * 15.50 * 100 = 30984.5, half up.
    assert (body["amount_usd"], body["currency"], body["amount_minor"]) == ("19.99", "GHS", 30_985)


def test_initialize_in_dollars_needs_no_rate(sandbox, db):
    answer = ApiClient().initialize(currency="USD")

    assert (answer.status_code, read(answer)["amount_minor"], read(answer)["exchange_rate"]) == (201, 2500, "1.000000")


@pytest.mark.parametrize("amount", [25, 25.0, "25", "25.0", "25.00"])
def test_initialize_of_one_amount_is_one_purchase(api, sandbox, amount):
    key = uuid4()
    first = api.initialize(key=key, amount_usd="25.00")

    again = api.initialize(key=key, amount_usd=amount)

    assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"amount_usd": "4.99"}, [("amount_usd", "min_value")]),
        ({"amount_usd": "10000.01"}, [("amount_usd", "max_value")]),
        ({"amount_usd": "25.001"}, [("amount_usd", "max_places")]),
        ({"amount_usd": "1e3"}, [("amount_usd", "invalid")]),
        ({"amount_usd": "-25"}, [("amount_usd", "invalid")]),
        ({"amount_usd": True}, [("amount_usd", "invalid")]),
        ({"amount_usd": None}, [("amount_usd", "null")]),
        ({"currency": "EUR"}, [("currency", "invalid_choice")]),
        ({"currency": "ngn"}, [("currency", "invalid_choice")]),
        ({"currency": ""}, [("currency", "invalid_choice")]),
        ({"channels": []}, [("channels", "empty")]),
        ({"channels": "card"}, [("channels", "not_a_list")]),
        ({"channels": ["card", "cash"]}, [("channels.1", "invalid_choice")]),
        ({"channels": ["card"] * 11}, [("channels", "max_length")]),
        ({"callback_url": "http://shop.example.com/"}, [("callback_url", "invalid_url")]),
        ({"callback_url": "https://a:b@shop.example.com/"}, [("callback_url", "invalid_url")]),
        ({"callback_url": "https://evil.example.com/"}, [("callback_url", "host_not_allowed")]),
        ({"callback_url": "https://shop.example.com.evil.net/"}, [("callback_url", "host_not_allowed")]),
        ({"callback_url": "https://evil.net/#@shop.example.com"}, [("callback_url", "host_not_allowed")]),
        ({"callback_url": "https://evil.net\\@shop.example.com/"}, [("callback_url", "invalid_url")]),
        ({"callback_url": "javascript:alert(1)"}, [("callback_url", "invalid")]),
        ({"callback_url": "https://shop.example.com/" + "a" * 300}, [("callback_url", "max_length")]),
        ({"amount_us": "25.00"}, [("amount_us", "unknown_field")]),
        ({"user_id": 1, "metadata": {"credits": 9999}}, [("user_id", "unknown_field"), ("metadata", "unknown_field")]),
    ],
)
def test_initialize_refuses_a_body_that_is_not_valid_and_keeps_nothing(api, sandbox, changes, errors):
    answer = api.initialize(**changes)

    assert field_codes(answer) == errors
    assert (PaymentLog.objects.count(), IdempotencyKey.objects.count()) == (0, 0)


def test_initialize_without_an_amount_names_the_field(api, sandbox):
    assert field_codes(api.post(INITIALIZE, {}, key=uuid4())) == [("amount_usd", "required")]


def test_initialize_with_a_user_without_an_email_is_refused(rate, sandbox):
    client = ApiClient(UserFactory(email=""))

    answer = client.initialize()

    assert problem(answer) == (422, "email_required")
    assert PaymentLog.objects.count() == 0


def test_initialize_below_what_the_gateway_takes_is_refused(api, sandbox):
    ExchangeRateFactory(units_per_usd=Decimal("1.000000"))

    answer = api.initialize(amount_usd="5.00")

    assert problem(answer) == (422, "amount_too_small")
    assert read(answer)["detail"] == "Paystack takes at least 50.00 NGN; this would be 5.00."


def test_initialize_in_a_currency_without_a_rate_is_refused(api, sandbox):
    assert problem(api.initialize(currency="KES")) == (422, "currency_not_available")


def test_initialize_at_an_old_rate_is_refused(db, sandbox):
    ExchangeRateFactory(valid_from=timezone.now() - timedelta(hours=72, minutes=1))

    answer = ApiClient().initialize()

    assert problem(answer) == (503, "exchange_rate_stale")
    assert answer["Retry-After"] == "600"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "idempotency_key_missing"),
        ("", "idempotency_key_missing"),
        ("25", "idempotency_key_invalid"),
        ("x\x00", "idempotency_key_invalid"),
    ],
)
def test_initialize_looks_at_the_key_before_anything_else(api, sandbox, header, code):
    answer = api.post(INITIALIZE, b"no json", key=header)

    assert problem(answer) == (400, code)


def test_initialize_without_authentication_says_nothing_of_the_key(client, db):
    answer = client.post(INITIALIZE, b"{}", content_type="application/json")

    assert problem(answer) == (401, "not_authenticated")


def test_initialize_refused_before_it_changed_anything_leaves_the_key_free(api, sandbox):
    key = uuid4()
    api.initialize(key=key, currency="KES")

    answer = api.initialize(key=key, currency="NGN")

    # The same key, but another request: the first one's currency is part of what it was used for.
    assert problem(answer) == (422, "idempotency_key_reused")
    ExchangeRateFactory(currency="KES", units_per_usd=Decimal(129))
    assert api.initialize(key=key, currency="KES").status_code == 201


def test_initialize_keeps_the_request_id_on_every_answer(api, sandbox):
    request_id = "0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab"

    answers = [
        api.post(INITIALIZE, {"amount_usd": "25.00"}, key=uuid4(), **{"X-Request-ID": request_id}),
        api.post(INITIALIZE, {}, key=uuid4(), **{"X-Request-ID": request_id}),
        api.post(INITIALIZE, {}, **{"X-Request-ID": request_id}),
    ]

    assert [answer.status_code for answer in answers] == [201, 400, 400]
    assert {answer["X-Request-ID"] for answer in answers} == {request_id}
    assert {read(answer)["request_id"] for answer in answers[1:]} == {request_id}
    assert PaymentLog.objects.get().state_transitions[0]["request_id"] == request_id


def test_initialize_gives_each_purchase_a_reference_of_its_own(api, sandbox):
    references = [read(api.initialize())["reference"] for _ in range(3)]

    assert len(set(references)) == 3
    assert references == sorted(references)
    assert {len(reference) for reference in references} == {40}
    assert UUID(read(api.initialize())["payment_id"]).version == 7
