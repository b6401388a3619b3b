from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from payments.api.serializers import InitializeInput, InitializeOutput, RefundInput, RefundOutput, VerifyOutput
from payments.lifecycles import PaymentState
from payments.services.checkout import Purchase
from payments.services.crediting import CreditResult
from payments.services.refunds import RefundRequest
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import RefundFactory

ALLOWED = "https://shop.example.com/done"


def _read(**body):
    read = InitializeInput(data={"amount_usd": "25.00", **body})
    read.is_valid(raise_exception=True)
    return read.to_purchase()


def _payment(state, **fields):
    payment = PaymentFactory.build(user=None, email="ada@example.com", **fields)
    payment.__dict__["state"] = state
    return payment


def test_to_purchase_without_a_currency_is_in_the_default_one(settings):
    settings.DEFAULT_CURRENCY = "GHS"

    assert _read() == Purchase(amount_usd=Decimal("25.00"), currency="GHS", callback_url="", channels=())


def test_to_purchase_has_what_was_sent():
    purchase = _read(currency="KES", callback_url=ALLOWED, channels=["card", "ussd"])

    assert (purchase.currency, purchase.callback_url, purchase.channels) == ("KES", ALLOWED, ("card", "ussd"))


@pytest.mark.parametrize(
    ("callback_url", "is_debug", "is_taken"),
    [
        (ALLOWED, False, True),
        ("https://SHOP.example.com/done", False, True),
        ("https://shop.example.com:8443/done", False, True),
        ("http://shop.example.com/done", False, False),
        ("http://shop.example.com/done", True, True),
        ("ftp://shop.example.com/done", True, False),
        ("https://example.com/done", True, False),
        ("https://shop.example.com./done", True, False),
        ("https://shop.example.com@evil.net/", True, False),
    ],
)
def test_callback_url_leads_only_where_the_operator_allows(settings, callback_url, is_debug, is_taken):
    settings.DEBUG = is_debug

    assert InitializeInput(data={"amount_usd": "25.00", "callback_url": callback_url}).is_valid() is is_taken


@pytest.mark.parametrize(
    ("state", "is_shown"),
    [
        (PaymentState.PENDING, True),
        (PaymentState.PROCESSING, True),
        (PaymentState.FAILED, True),
        (PaymentState.COMPLETED, False),
        (PaymentState.REFUNDED, False),
    ],
)
def test_initialize_output_shows_the_page_while_there_is_something_to_pay(state, is_shown):
    shown = InitializeOutput(_payment(state, authorization_url="https://checkout.example/1", access_code="abc")).data

    expected = ("https://checkout.example/1", "abc") if is_shown else (None, None)
    assert (shown["authorization_url"], shown["access_code"]) == expected


def test_initialize_output_without_a_page_yet_says_null():
    shown = InitializeOutput(_payment(PaymentState.PENDING)).data

    assert (shown["authorization_url"], shown["access_code"]) == (None, None)


@pytest.mark.parametrize(
    ("state", "result", "status", "message"),
    [
        (PaymentState.COMPLETED, CreditResult.CREDITED, "success", "Payment verified and credited"),
        (PaymentState.COMPLETED, CreditResult.ALREADY_SETTLED, "success", "Payment verified and credited"),
        (PaymentState.REFUNDED, CreditResult.ALREADY_SETTLED, "success", "Payment verified and credited"),
        (PaymentState.PENDING, CreditResult.OPEN, "pending", "Payment is not completed yet"),
        (PaymentState.PROCESSING, CreditResult.OPEN, "pending", "Payment is not completed yet"),
        (PaymentState.PROCESSING, CreditResult.UNDER_REVIEW, "pending", "Payment is under review"),
        (PaymentState.FAILED, CreditResult.UNDER_REVIEW, "pending", "Payment is under review"),
        (PaymentState.FAILED, CreditResult.FAILED, "failed", "Payment failed"),
    ],
)
def test_verify_output_says_what_is_true_of_the_payment(state, result, status, message):
    payment = _payment(state, credited_amount=Decimal("25.0000") if status == "success" else None)

    body = VerifyOutput(payment, result, balance=Decimal("125.0000")).data

    assert body == {
        "reference": payment.reference,
        "status": status,
        "state": state,
        "amount_credited": "25.00" if status == "success" else "0.00",
        "new_balance": "125.00",
        "message": message,
    }


def test_verify_output_of_a_refunded_payment_does_not_say_that_its_credits_are_there():
    payment = _payment(PaymentState.REFUNDED, credited_amount=Decimal("25.0000"))

    body = VerifyOutput(payment, CreditResult.ALREADY_SETTLED, balance=Decimal(0)).data

    assert (body["status"], body["state"], body["new_balance"]) == ("success", "refunded", "0.00")


@pytest.mark.parametrize(("sent", "amount_usd"), [({"amount_usd": "10.5"}, Decimal("10.50")), ({}, None)])
def test_to_request_has_what_was_sent_and_all_that_is_left_without_an_amount(sent, amount_usd):
    payment_id, key = uuid4(), uuid4()
    body = RefundInput(data={"reason": " bought twice ", **sent})
    body.is_valid(raise_exception=True)

    request = body.to_request(payment_id=payment_id, idempotency_key=key)

    assert request == RefundRequest(
        payment_id=payment_id, amount_usd=amount_usd, reason="bought twice", idempotency_key=key
    )


@pytest.mark.parametrize(
    ("is_credited", "amount_usd"), [(True, "3.3334"), (False, "3.3333")], ids=["from the wallet", "never credited"]
)
def test_refund_output_tells_what_the_wallet_gave_or_what_uncredited_money_is_worth(is_credited, amount_usd):
    payment = _payment(PaymentState.COMPLETED, credited=is_credited, exchange_rate=Decimal("3.000000"), currency="GHS")
    refund = RefundFactory.build(
        payment=payment,
        amount_minor=1000,
        credit_amount=Decimal("3.3334") if is_credited else Decimal(0),
        created_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
    )

    assert RefundOutput(refund).data == {
        "refund_id": str(refund.pk),
        "reference": refund.reference,
        "payment_reference": payment.reference,
        "state": "approved",
        "amount_usd": amount_usd,
        "amount_minor": 1000,
        "currency": "GHS",
        "reason": refund.reason,
        "created_at": "2026-11-21T10:00:00Z",
    }
