"""What was asked of Paystack and what it said, as staff see it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.admin.gateway_calls import OPERATIONS, OUTCOMES
from payments.models import GatewayCall, GatewayOutcome
from tests.factories.payments import GatewayCallFactory, PaymentFactory
from tests.integration.back_office.reading import count_queries, read
from tests.unit.payments.services.told_events import buy

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/gatewaycall/"


def page_of(call):
    return f"{LIST}{call.pk}/change/"


def list_shown(client, query):
    return list(client.get(f"{LIST}?{query}").context["cl"].result_list)


def answered(**columns):
    begun = timezone.now()
    return GatewayCallFactory(
        **({"outcome": "answered", "started_at": begun, "finished_at": begun + timedelta(seconds=1.5)} | columns)
    )


def test_the_page_shows_the_question_and_the_answer(staff):
    payment = PaymentFactory()
    call = answered(
        payment=payment,
        operation="initialize",
        request={"amount_minor": 5000, "currency": "NGN"},
        answer={"status": True, "data": {"reference": payment.reference, "customer": {"email": "ada@example.com"}}},
        request_id="r-1",
    )
    client = staff("Support")

    page = read(client, page_of(call))

    for words in (
        "Open a checkout page",
        "Paystack did what it was asked.",
        f"Payment {payment.reference}",
        "Lasted 1.50 s",
        "Request id r-1",
        '"amount_minor": 5000',
        '"status": true',
    ):
        assert words in page
    assert "ada@example.com" not in page
    assert f"/admin/payments/paymentlog/{payment.pk}/change/" in client.get(page_of(call)).content.decode()


def test_the_page_of_a_call_without_an_answer_says_what_that_means(staff):
    call = answered(
        outcome="unknown", error_code="gateway_outcome_unknown", error="Paystack did not answer.", answer=None
    )
    client = staff("Auditor")

    page = read(client, page_of(call))

    assert "It was sent, and no usable answer came: it may have happened." in page
    assert "Error gateway_outcome_unknown: Paystack did not answer." in page
    assert "What is kept of it" not in page
    assert "No answer is written down" in read(client, page_of(GatewayCallFactory(reference="")))


def test_markup_in_an_answer_is_text(staff):
    call = answered(answer={"message": "<script>alert(1)</script>"}, request={"note": "a\u202eb"})

    page = staff("Support").get(page_of(call)).content.decode()

    assert ("<script>alert" in page, "\u202e" in page) == (False, False)


def test_every_outcome_is_told(staff):
    assert set(OUTCOMES) == set(GatewayOutcome)


def test_a_real_question_has_a_name(sandbox):
    buy()

    assert set(GatewayCall.objects.values_list("operation", flat=True)) <= set(OPERATIONS)


def test_the_list_is_narrowed_and_searched(staff):
    payment = PaymentFactory()
    of_payment = answered(payment=payment, reference="")
    lost = GatewayCallFactory(operation="refund")
    client = staff("Support")

    assert list_shown(client, "operation=refund") == [lost]
    assert list_shown(client, "outcome=answered") == [of_payment]
    assert list_shown(client, f"q={payment.reference}") == [of_payment]
    assert list_shown(client, f"q={lost.reference}") == [lost]
    assert list_shown(client, "q=nothing") == []


def test_list_and_page_cost_the_same_for_one_row_and_for_three(staff):
    client = staff("Support")
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            call = answered(payment=PaymentFactory(), answer={})
        counts.append((count_queries(client, LIST), count_queries(client, page_of(call))))

    assert counts[0] == counts[1]
