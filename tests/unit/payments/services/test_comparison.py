"""What counts as a difference between two books, and as which."""

from dataclasses import replace
from uuid import uuid4

import pytest

from namaskah.identifiers import REFUND_PREFIX, new_reference
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import PaymentState, RefundState
from payments.models import Refund
from payments.services.comparison import compare_payments, compare_refunds, find_named
from tests.factories.payments import EvidenceFactory, PaymentFactory
from tests.factories.users import UserFactory

SETTLED = [PaymentState.COMPLETED, PaymentState.REFUNDED]
UNSETTLED = [PaymentState.PENDING, PaymentState.PROCESSING, PaymentState.FAILED]
PAID = ["success", "reversal-pending"]
UNPAID = ["abandoned", "ongoing", "pending", "processing", "queued", "failed", "something new"]
OPEN_REFUNDS = ["pending", "processing", "needs-attention", "something new"]
NUMBER = 4_099_260_516


def make_payment(state=PaymentState.COMPLETED, **fields):
    """Return a payment of 41,250 naira that was never stored."""
    paid = {"gateway_transaction_id": NUMBER, "amount_paid_minor": 4_125_000} if state in SETTLED else {}
    return PaymentFactory.build(user=UserFactory.build(pk=1), state=state, **paid | fields)


def differences(payment, *theirs, **options):
    """Return kind, subject and the words of both sides of each difference."""
    ours = {payment.reference: payment} if payment else {}
    return [told(difference) for difference in compare_payments(theirs, ours, **options)]


def told(difference):
    return str(difference.kind), difference.subject, difference.ours, difference.theirs


def said(payment, **words):
    return EvidenceFactory(of=payment, gateway_transaction_id=NUMBER, **words)


@pytest.mark.parametrize("status", PAID)
@pytest.mark.parametrize("state", SETTLED)
def test_compare_payments_agrees_on_what_was_paid_and_settled(state, status):
    payment = make_payment(state)

    assert differences(payment, said(payment, status=status)) == []


@pytest.mark.parametrize("status", UNPAID)
@pytest.mark.parametrize("state", UNSETTLED)
def test_compare_payments_agrees_on_what_nobody_paid(state, status):
    payment = make_payment(state)

    assert differences(payment, said(payment, status=status, amount_minor=1, currency="GHS")) == []


@pytest.mark.parametrize("state", UNSETTLED)
def test_compare_payments_agrees_on_what_the_gateway_does_not_know_and_nobody_paid(state):
    assert differences(make_payment(state)) == []


@pytest.mark.parametrize("status", [*PAID, "reversed"])
@pytest.mark.parametrize("state", UNSETTLED)
def test_compare_payments_finds_what_was_paid_and_not_settled(state, status):
    payment = make_payment(state)

    found = differences(payment, said(payment, status=status))

    assert found == [("state", payment.reference, state, f"{status} 4125000 NGN")]


@pytest.mark.parametrize("status", UNPAID)
@pytest.mark.parametrize("state", SETTLED)
def test_compare_payments_finds_what_was_settled_and_not_paid(state, status):
    payment = make_payment(state)

    found = differences(payment, said(payment, status=status))

    assert found == [("state", payment.reference, state, f"{status} 4125000 NGN")]


def test_compare_payments_finds_money_that_went_back_unless_something_else_explains_it():
    payment = make_payment()
    evidence = said(payment, status="reversed")

    assert differences(payment, evidence) == [("state", payment.reference, "completed", "reversed 4125000 NGN")]
    assert differences(payment, evidence, explained={payment.pk}) == []
    assert differences(make_payment(PaymentState.REFUNDED), said(payment, status="reversed"))[0][0] == "missing_here"


def test_compare_payments_explains_nothing_but_money_that_went_back():
    payment = make_payment(PaymentState.PENDING)

    found = differences(payment, said(payment, status="reversed"), explained={payment.pk})

    assert found == [("state", payment.reference, "pending", "reversed 4125000 NGN")]


@pytest.mark.parametrize(
    "words",
    [
        {"amount_minor": 4_124_999},
        {"amount_minor": 4_125_001, "fees_minor": 0},
        {"amount_minor": 4_124_999, "requested_amount_minor": 4_125_000},
        {"amount_minor": 4_125_000, "requested_amount_minor": 4_124_999},
        {"amount_minor": 4_130_000, "requested_amount_minor": 4_125_000, "fees_minor": 4_999},
        {"amount_minor": None},
    ],
)
def test_compare_payments_finds_another_amount_of_what_is_not_settled(words):
    payment = make_payment(PaymentState.FAILED)

    ((kind, subject, ours, _),) = differences(payment, said(payment, **words))

    assert (kind, subject, ours) == ("amount", payment.reference, "4125000")


def test_compare_payments_agrees_on_fees_that_the_payer_bore():
    payment = make_payment(amount_paid_minor=4_130_000)
    evidence = said(payment, amount_minor=4_130_000, requested_amount_minor=4_125_000, fees_minor=5_000)

    assert differences(payment, evidence) == []
    assert differences(make_payment(PaymentState.FAILED, reference=payment.reference), evidence)[0][0] == "state"


def test_compare_payments_agrees_on_another_amount_that_was_credited_as_such():
    payment = make_payment(amount_paid_minor=2_000_000)

    assert differences(payment, said(payment, amount_minor=2_000_000)) == []
    assert differences(payment, said(payment)) == [("amount", payment.reference, "2000000", "success 4125000 NGN")]


@pytest.mark.parametrize("state", [*SETTLED, *UNSETTLED])
def test_compare_payments_finds_another_currency_before_anything_else(state):
    payment = make_payment(state)

    found = differences(payment, said(payment, currency="GHS", amount_minor=1))

    assert found == [("currency", payment.reference, "NGN", "success 1 GHS")]


@pytest.mark.parametrize("status", [*PAID, "reversed"])
def test_compare_payments_finds_what_was_paid_and_is_no_payment_here(status):
    evidence = EvidenceFactory(status=status)

    assert differences(None, evidence) == [("missing_here", evidence.reference, "no payment", f"{status} 4125000 NGN")]


@pytest.mark.parametrize("status", UNPAID)
def test_compare_payments_leaves_alone_what_nobody_paid_and_is_no_payment_here(status):
    assert differences(None, EvidenceFactory(status=status)) == []


def test_compare_payments_leaves_alone_what_is_another_products():
    assert differences(None, EvidenceFactory(reference="order-1"), EvidenceFactory(reference="")) == []


@pytest.mark.parametrize("state", SETTLED)
def test_compare_payments_finds_what_is_settled_and_unknown_there(state):
    payment = make_payment(state)

    assert differences(payment) == [("missing_there", payment.reference, state, "no transaction")]


def test_compare_payments_finds_one_reference_under_which_was_paid_twice():
    payment = make_payment()

    found = differences(payment, said(payment), said(payment))

    assert found == [("duplicate", payment.reference, "one payment", "2 paid transactions")]


@pytest.mark.parametrize("order", [1, -1])
def test_compare_payments_takes_the_paid_one_of_two_under_one_reference(order):
    payment = make_payment()
    theirs = [said(payment, status="failed"), said(payment)][::order]

    assert differences(payment, *theirs) == []


def test_compare_payments_finds_the_later_of_two_completed_attempts_at_one_purchase():
    key = uuid4()
    states = [PaymentState.COMPLETED, PaymentState.REFUNDED, PaymentState.COMPLETED]
    attempts = [
        make_payment(state, idempotency_key=key, attempt=number) for number, state in enumerate(states, start=1)
    ]
    foreign = PaymentFactory.build(
        user=UserFactory.build(pk=2), idempotency_key=key, state="completed", amount_paid_minor=4_125_000
    )
    ours = {payment.reference: payment for payment in [*reversed(attempts), foreign]}

    found = list(compare_payments([said(payment) for payment in ours.values()], ours))

    assert [told(difference) for difference in found] == [
        ("duplicate", attempts[2].reference, f"second to {attempts[0].reference}", "both paid")
    ]
    assert found[0].payment_id == attempts[2].pk


@pytest.fixture
def payment():
    return make_payment()


def make_refund(payment, state=RefundState.SUBMITTED, **fields):
    return Refund(
        payment=payment,
        reference=new_reference(REFUND_PREFIX),
        state=state,
        amount_minor=100,
        **{"gateway_refund_id": 7} | fields,
    )


def make_report(**fields):
    return RefundReport(
        **{
            "refund_id": 7,
            "status": "pending",
            "amount_minor": 100,
            "currency": "NGN",
            "transaction_id": NUMBER,
            "merchant_note": "",
            "created_at": None,
        }
        | fields
    )


def refund_differences(payment, theirs, ours):
    return [told(difference) for difference in compare_refunds(theirs, ours, {NUMBER: payment})]


@pytest.mark.parametrize(
    ("state", "statuses"),
    [
        (RefundState.SUBMITTED, OPEN_REFUNDS),
        (RefundState.NEEDS_ATTENTION, OPEN_REFUNDS),
        (RefundState.PROCESSED, ["processed"]),
        (RefundState.FAILED, ["failed"]),
    ],
)
def test_compare_refunds_agrees_on_what_both_sides_say(payment, state, statuses):
    for status in statuses:
        assert refund_differences(payment, [make_report(status=status)], [make_refund(payment, state)]) == []


@pytest.mark.parametrize(
    ("state", "statuses"),
    [
        (RefundState.SUBMITTED, ["processed", "failed"]),
        (RefundState.NEEDS_ATTENTION, ["processed", "failed"]),
        (RefundState.PROCESSED, [*OPEN_REFUNDS, "failed"]),
        (RefundState.FAILED, [*OPEN_REFUNDS, "processed"]),
    ],
)
def test_compare_refunds_finds_an_end_that_the_other_side_does_not_know(payment, state, statuses):
    for status in statuses:
        found = refund_differences(payment, [make_report(status=status)], [make_refund(payment, state)])

        assert found == [("state", "refund 7", state, f"{status} 100 NGN")]


def test_compare_refunds_finds_a_refund_that_was_made_elsewhere(payment):
    found = refund_differences(payment, [make_report()], [])

    assert found == [("missing_here", "refund 7", "no refund", "pending 100 NGN")]


def test_compare_refunds_leaves_alone_what_failed_elsewhere_and_what_is_another_products(payment):
    theirs = [make_report(status="failed"), make_report(transaction_id=1), make_report(transaction_id=None)]

    assert refund_differences(payment, theirs, []) == []


@pytest.mark.parametrize("state", [RefundState.SUBMITTED, RefundState.PROCESSED, RefundState.NEEDS_ATTENTION])
def test_compare_refunds_finds_a_refund_that_is_unknown_there(payment, state):
    found = refund_differences(payment, [], [make_refund(payment, state)])

    assert found == [("missing_there", "refund 7", state, "no refund")]


@pytest.mark.parametrize(
    "state", [RefundState.AWAITING_APPROVAL, RefundState.APPROVED, RefundState.REJECTED, RefundState.FAILED]
)
def test_compare_refunds_does_not_look_for_what_was_never_sent_or_came_to_nothing(payment, state):
    assert refund_differences(payment, [], [make_refund(payment, state, gateway_refund_id=None)]) == []


def test_compare_refunds_finds_another_amount_and_another_currency(payment):
    refund = make_refund(payment)

    assert refund_differences(payment, [make_report(amount_minor=99)], [refund]) == [
        ("amount", "refund 7", "100", "pending 99 NGN")
    ]
    assert refund_differences(payment, [make_report(currency="GHS", amount_minor=99)], [refund]) == [
        ("currency", "refund 7", "NGN", "pending 99 GHS")
    ]


@pytest.mark.parametrize("state", [RefundState.SUBMITTING, RefundState.UNKNOWN])
def test_compare_refunds_knows_a_refund_without_an_answer_by_its_note(payment, state):
    refund = make_refund(payment, state, gateway_refund_id=None)

    found = refund_differences(payment, [make_report(merchant_note=f"for {refund.reference}.")], [refund])

    assert found == [("state", "refund 7", state, "pending 100 NGN")]
    assert refund_differences(payment, [], [refund]) == [
        ("state", f"refund {refund.reference}", state, "not found yet")
    ]


@pytest.mark.parametrize("gateway_refund_id", [7, None])
def test_compare_refunds_finds_a_refund_that_went_out_twice(payment, gateway_refund_id):
    refund = make_refund(payment, RefundState.NEEDS_ATTENTION, gateway_refund_id=gateway_refund_id)
    first = make_report(merchant_note=refund.reference)
    second = replace(first, refund_id=8)

    found = refund_differences(payment, [second, first], [refund])

    assert found == [("duplicate", "refund 8", f"second to {refund.reference}", "pending 100 NGN")]


def test_compare_refunds_still_finds_it_once_both_are_booked(payment):
    refund, booked = make_refund(payment), make_refund(payment, gateway_refund_id=8)
    theirs = [make_report(refund_id=number, merchant_note=refund.reference) for number in (7, 8)]

    found = refund_differences(payment, theirs, [refund, booked])

    assert found == [("duplicate", "refund 8", f"second to {refund.reference}", "pending 100 NGN")]


def test_compare_refunds_takes_none_for_a_second_one_if_either_came_to_nothing(payment):
    refund, failed = make_refund(payment), make_refund(payment, RefundState.FAILED)

    again = [make_report(merchant_note=refund.reference), make_report(refund_id=8, merchant_note=refund.reference)]
    assert refund_differences(payment, [again[0], replace(again[1], status="failed")], [refund]) == []
    again = [replace(report, merchant_note=failed.reference) for report in again]
    assert refund_differences(payment, [replace(again[0], status="failed"), again[1]], [failed]) == [
        ("missing_here", "refund 8", "no refund", "pending 100 NGN")
    ]


@pytest.mark.parametrize("note", ["", "rfd-", "rfd-" + "a" * 35, "xrfd-" + "a" * 36, "rfd-" + "a" * 37])
def test_find_named_finds_nothing_where_no_reference_of_ours_stands(note):
    assert find_named(make_report(merchant_note=note)) == ""
