"""What the staff find payments by, and that an index serves it."""

import re
from decimal import Decimal

import pytest

from namaskah.identifiers import REFUND_PREFIX, new_reference
from payments.lifecycles import PaymentState
from payments.models import PaymentLog
from payments.selectors import payment_lists
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.refunds import RefundFactory
from tests.factories.users import UserFactory
from tests.plans import multiply
from tests.unit.payments.services.told_events import bury

pytestmark = pytest.mark.django_db

NEWEST = ("-created_at", "-id")


@pytest.fixture
def payment():
    """A completed payment of 25 dollars, paid as 41,250 naira, beside another of 10."""
    user = UserFactory(username="ada", email="Ada@Example.com")
    PaymentFactory(credit_amount=Decimal(10), amount_minor=1_650_000)
    return PaymentFactory(user=user, at=PaymentState.COMPLETED)


def search(text):
    return list(payment_lists.search_payments(PaymentLog.objects.order_by(*NEWEST), text))


@pytest.mark.parametrize(
    "text",
    [
        "{payment.reference}",
        "  {payment.reference}  ",
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        "ada",
        "{payment.gateway_transaction_id}",
        "{payment.pk}",
        "25",
        "25.00",
        "25.0",
        "$25",
        "41250 NGN",
        "41,250.00 ngn",
        "NGN 41,250",
    ],
)
def test_search_finds_a_payment_by(payment, text):
    assert search(text.format(payment=payment)) == [payment]


def test_search_finds_the_payment_of_a_refund_and_of_an_event(payment):
    refund = RefundFactory(payment=payment)
    event = WebhookEventFactory(reference=payment.reference)
    unreadable = WebhookEventFactory(reference="")

    assert [search(text) for text in (refund.reference, refund.reference.upper(), str(event.pk))] == [[payment]] * 3
    assert [search(text) for text in (new_reference(REFUND_PREFIX), str(unreadable.pk), "rfd-1")] == [[], [], []]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "nmk-zzzz",
        "{payment.reference}0",
        "Ada",
        "ad",
        "ada@example",
        "a@example.com",
        "25.001",
        "26",
        "41250",
        "41250 GHS",
        "9999999",
        "9" * 30,
        "' OR 1=1 --",
        "%",
        "_",
        "é",
        "٢٥",
    ],
)
def test_search_finds_nothing_by(payment, text):
    assert search(text.format(payment=payment)) == []


def test_search_by_the_beginning_of_a_reference_in_any_case(payment):
    beginning = payment.reference[:30]

    assert search(beginning.upper()) == [payment]
    assert search("nmk-") == list(PaymentLog.objects.order_by(*NEWEST))


def test_search_takes_no_wildcards(payment):
    assert search(payment.reference.replace("0", "_")) == []


def test_search_by_a_username_that_is_an_address_finds_both():
    paid_by_another = PaymentFactory(email="ada@example.com")
    of_ada = PaymentFactory(user=UserFactory(username="ada@example.com", email="other@example.com"))

    assert search("ada@example.com") == [of_ada, paid_by_another]


def test_search_by_a_username_of_digits_finds_it():
    payment = PaymentFactory(user=UserFactory(username="1234567"))

    assert search("1234567") == [payment]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("{payment.reference}", "payment_logs_reference"),
        ("{payment.reference:.20}", "payment_logs_reference_.*_like"),
        ("ada@example.org", "payments_paymentlog_of_email"),
        ("ada", "payments_paymentlog_of_user"),
        ("9999999", "payments_paymentlog_gateway_transaction_once"),
        ("{payment.pk}", "payment_logs_pkey"),
        ("26.07", "payments_paymentlog_of_amount"),
        ("77,777.01 NGN", "payments_paymentlog_of_minor"),
    ],
)
def test_search_is_served_by_an_index(payment, text, index):
    wanted = text.format(payment=payment)
    found = payment_lists.search_payments(PaymentLog.objects.order_by(*NEWEST), wanted)[:51]

    assert re.search(rf"Index (Only )?Scan using {index}|Bitmap Index Scan on {index}", explain(found))


@pytest.mark.parametrize(
    ("narrow", "index"),
    [
        (lambda rows: rows, "payments_paymentlog_newest"),
        (lambda rows: rows.filter(created_at__gte="2026-01-01T00:00Z"), "payments_paymentlog_newest"),
        (lambda rows: rows.filter(state="refunded"), "payments_paymentlog_of_state"),
        (lambda rows: rows.exclude(review_reason=""), "payments_paymentlog_in_review"),
    ],
)
def test_list_is_served_by_an_index(narrow, index):
    assert f"using {index}" in explain(narrow(PaymentLog.objects.order_by(*NEWEST))[:51])


def test_payments_with_dead_letters_are_found_from_those():
    plan = explain(payment_lists.having_dead_letters(PaymentLog.objects.order_by(*NEWEST))[:51])

    assert "using payments_webhookevent_trouble" in plan


def test_dead_letters_are_told_of_the_payment_that_has_one(payment):
    bury(WebhookEventFactory(reference=payment.reference))
    WebhookEventFactory(reference=PaymentLog.objects.exclude(pk=payment.pk).get().reference)
    rows = payment_lists.with_dead_letters(PaymentLog.objects.all())

    assert {row.pk for row in rows if row.has_dead_letter} == {payment.pk}
    assert list(payment_lists.having_dead_letters(rows)) == [payment]


def explain(rows):
    for row in (PaymentFactory(), PaymentFactory(at=PaymentState.COMPLETED)):
        multiply(
            row,
            id="gen_random_uuid()",
            reference="'nmk-' || left(md5(random()::text) || md5(random()::text), 36)",
            idempotency_key="gen_random_uuid()",
            user_id=f"{row.user_id} + number",
            email="number || '@example.com'",
            created_at="now() - number * interval '1 minute'",
            amount_usd="1 + mod(number, 97)",
            amount_minor="1000 + mod(number, 97)",
            gateway_transaction_id="1000000 + number" if row.gateway_transaction_id else "NULL",
        )
    multiply(WebhookEventFactory(), id="gen_random_uuid()", object_id="number")
    return rows.explain()
