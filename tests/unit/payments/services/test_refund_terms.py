"""What a refund moves: subunits to the payer, credits out of the wallet; parts always add up."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from namaskah.money import convert_to_credits, convert_to_minor
from payments.lifecycles import DisputeState, PaymentState, RefundState
from payments.services.refund_terms import (
    PaymentDisputedError,
    PaymentNotRefundableError,
    RefundExceedsPaymentError,
    RefundTerms,
    check_refundable,
    find_rest,
    find_terms,
    find_terms_of_minor,
)
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import DisputeFactory, RefundFactory
from tests.factories.users import UserFactory


def build_payment(**fields):
    """Return a payment of 25 credits, 41,250 naira, completed unless told otherwise; nothing is stored."""
    paid = {
        "state": PaymentState.COMPLETED,
        "gateway_transaction_id": 1,
        "amount_paid_minor": 4_125_000,
        "credited": True,
        "credited_amount": Decimal("25.0000"),
    }
    return PaymentFactory.build(user=UserFactory.build(), **paid | fields)


def build_uncredited(**fields):
    """Return a payment of which 20,000.01 naira came that were never credited."""
    unpaid = {"state": PaymentState.PROCESSING, "credited": False, "credited_amount": None}
    return build_payment(**unpaid | {"amount_paid_minor": 2_000_001} | fields)


def build_refund(payment, terms, state=RefundState.APPROVED):
    return RefundFactory.build(
        payment=payment, amount_minor=terms.amount_minor, credit_amount=terms.credit_amount, state=state
    )


def test_find_terms_without_an_amount_is_all_that_is_left():
    payment = build_payment()
    part = build_refund(payment, RefundTerms(1_000_000, Decimal("6.0606")))

    assert find_terms(payment, [], amount_usd=None) == RefundTerms(4_125_000, Decimal("25.0000"))
    assert find_terms(payment, [part], amount_usd=None) == RefundTerms(3_125_000, Decimal("18.9394"))


def test_find_terms_of_a_part_converts_at_the_rate_of_the_payment():
    assert find_terms(build_payment(), [], amount_usd=Decimal("10.01")) == RefundTerms(1_651_650, Decimal("10.01"))


def test_find_terms_of_the_last_part_takes_the_remaining_credits():
    payment = build_payment()
    first = build_refund(payment, RefundTerms(1_000_000, Decimal("6.0606")))

    # 3,125,000 subunits at 1650 are 18.9393... credits.
    assert find_terms_of_minor(payment, [first], amount_minor=3_125_000) == RefundTerms(3_125_000, Decimal("18.9394"))


@pytest.mark.parametrize("state", [RefundState.FAILED, RefundState.REJECTED])
def test_find_terms_does_not_count_what_ended_without_money(state):
    payment = build_payment()
    ended = build_refund(payment, RefundTerms(4_125_000, Decimal(25)), state)

    assert find_terms(payment, [ended], amount_usd=None) == RefundTerms(4_125_000, Decimal(25))


@pytest.mark.parametrize("state", sorted(set(RefundState) - {RefundState.FAILED, RefundState.REJECTED}))
def test_find_terms_counts_what_stands(state):
    payment = build_payment()
    standing = build_refund(payment, RefundTerms(4_125_000, Decimal(25)), state)

    with pytest.raises(RefundExceedsPaymentError) as refusal:
        find_terms(payment, [standing], amount_usd=None)

    assert (refusal.value.code, refusal.value.detail) == (
        "refund_exceeds_payment",
        "Nothing is left of this payment to refund.",
    )


def test_find_terms_of_more_than_is_left_is_refused():
    payment = build_payment()
    part = build_refund(payment, RefundTerms(1_650_000, Decimal(10)))

    with pytest.raises(RefundExceedsPaymentError) as refusal:
        find_terms(payment, [part], amount_usd=Decimal("15.01"))

    assert refusal.value.detail == "Only 15.00 of this payment can still be refunded."
    assert find_terms(payment, [part], amount_usd=Decimal("15.00")) == RefundTerms(2_475_000, Decimal(15))


def test_find_terms_of_more_credits_than_are_left_is_refused_though_the_subunits_would_do():
    # A subunit is a cent here and 25 parts of a third of a cent round down each.
    payment = build_payment(exchange_rate=Decimal("1.333333"), amount_minor=133, credit_amount=1, credited_amount=1)
    parts = [build_refund(payment, RefundTerms(1, Decimal("0.01"))) for _ in range(100)]

    with pytest.raises(RefundExceedsPaymentError):
        find_terms(payment, parts, amount_usd=Decimal("0.01"))

    assert find_terms(payment, parts, amount_usd=None) == RefundTerms(33, Decimal(0))
    # Made elsewhere, it takes no more credits than there are either.
    assert find_terms_of_minor(payment, parts, amount_minor=10) == RefundTerms(10, Decimal(0))


def test_find_terms_of_an_amount_that_takes_the_last_subunits_takes_the_remaining_credits():
    # A cent is one subunit and a half, rounded up each time.
    payment = build_payment(exchange_rate=Decimal("1.5"), amount_minor=150, credit_amount=1, credited_amount=1)
    parts = [build_refund(payment, RefundTerms(2, Decimal("0.01"))) for _ in range(74)]

    assert find_terms(payment, parts, amount_usd=Decimal("0.01")) == RefundTerms(2, Decimal("0.26"))


def test_find_terms_of_minor_beyond_what_is_left_is_refused():
    with pytest.raises(RefundExceedsPaymentError, match="4125001 of 4125000 subunits would go back"):
        find_terms_of_minor(build_payment(), [], amount_minor=4_125_001)


def test_find_terms_of_minor_rounds_the_credits_down():
    terms = find_terms_of_minor(build_payment(), [], amount_minor=1_000_000)

    assert terms == RefundTerms(1_000_000, Decimal("6.0606"))


def test_find_terms_leaves_out_fees_that_the_payer_bore():
    payment = build_payment(amount_paid_minor=4_187_000)

    assert find_terms(payment, [], amount_usd=None) == RefundTerms(4_125_000, Decimal(25))


def test_find_terms_of_money_never_credited_takes_no_credits():
    payment = build_uncredited()

    assert find_terms(payment, [], amount_usd=None) == RefundTerms(2_000_001, Decimal(0))
    assert find_terms(payment, [], amount_usd=Decimal("1.00")) == RefundTerms(165_000, Decimal(0))
    assert find_terms_of_minor(payment, [], amount_minor=7) == RefundTerms(7, Decimal(0))


def test_find_terms_of_what_a_person_credited_as_another_amount_is_all_that_came():
    payment = build_payment(amount_paid_minor=2_000_001, credited_amount=Decimal("12.1212"))

    assert find_terms(payment, [], amount_usd=None) == RefundTerms(2_000_001, Decimal("12.1212"))
    with pytest.raises(RefundExceedsPaymentError):
        find_terms(payment, [], amount_usd=Decimal("12.13"))


def test_find_terms_of_more_than_came_uncredited_is_refused_in_credits():
    with pytest.raises(RefundExceedsPaymentError, match=r"Only 12\.1212 of this payment"):
        find_terms(build_uncredited(), [], amount_usd=Decimal("12.13"))


@pytest.mark.parametrize(
    "fields",
    [
        {"state": PaymentState.PENDING, "gateway_transaction_id": None, "amount_paid_minor": None},
        {"state": PaymentState.PROCESSING, "gateway_transaction_id": None, "amount_paid_minor": None},
        {"state": PaymentState.FAILED, "gateway_transaction_id": 1, "amount_paid_minor": None},
        {"state": PaymentState.FAILED, "gateway_transaction_id": 1, "amount_paid_minor": 0},
    ],
)
def test_check_refundable_without_money_is_refused(fields):
    with pytest.raises(PaymentNotRefundableError) as refusal:
        check_refundable(build_uncredited(**fields), [])

    assert refusal.value.code == "payment_not_refundable"
    assert refusal.value.detail == f"This payment is {fields['state']}: no money of it is known to have arrived."


def test_check_refundable_of_what_went_back_is_refused():
    with pytest.raises(PaymentNotRefundableError, match="was refunded before"):
        check_refundable(build_payment(state=PaymentState.REFUNDED), [])


@pytest.mark.parametrize("payment", [build_payment(), build_uncredited(), build_uncredited(state=PaymentState.FAILED)])
def test_check_refundable_lets_money_that_arrived_go_back(payment):
    check_refundable(payment, [])


@pytest.mark.parametrize("state", DisputeState)
def test_check_refundable_of_a_disputed_payment(state):
    payment = build_payment()
    disputes = [DisputeFactory.build(payment=payment, state=each) for each in (DisputeState.WON, state)]

    if state == DisputeState.WON:
        check_refundable(payment, disputes)
    else:
        with pytest.raises(PaymentDisputedError) as refusal:
            check_refundable(payment, disputes)
        decided = "took this payment's money back" if state == DisputeState.LOST else "the dispute decides"
        assert refusal.value.code == "payment_disputed"
        assert decided in refusal.value.detail


rates = st.decimals(min_value="1", max_value="5000", places=6)
prices = st.integers(min_value=1, max_value=2_000_00).map(lambda cents: Decimal(cents) / 100)
parts = st.lists(
    st.tuples(
        st.sampled_from(["asked", "elsewhere"]),
        st.floats(min_value=0.0001, max_value=1),
        st.sampled_from([RefundState.PROCESSED, RefundState.APPROVED, RefundState.FAILED]),
    ),
    max_size=12,
)


@given(rate=rates, price=prices, wanted=parts, paid_share=st.sampled_from([1, 1, Decimal("0.7"), Decimal("1.3")]))
def test_parts_add_up_exactly_in_subunits_and_in_credits(rate, price, wanted, paid_share):
    asked_minor = convert_to_minor(price, exchange_rate=rate)
    # All of it as asked for, or another amount, which a person credited at what it was worth.
    whole_minor = max(1, int(asked_minor * paid_share))
    whole = price if whole_minor == asked_minor else convert_to_credits(whole_minor, exchange_rate=rate)
    payment = build_payment(
        exchange_rate=rate,
        amount_minor=asked_minor,
        amount_paid_minor=whole_minor,
        credit_amount=price,
        credited_amount=whole,
    )
    assume(whole != price or whole_minor == asked_minor)
    refunds = []
    for place, share, state in wanted:
        terms = _find(payment, refunds, place, share)
        if terms is not None:
            refunds.append(build_refund(payment, terms, state))
        assert_within(payment, refunds)

    left_minor, left_credits = find_rest(payment, refunds)
    if left_minor:
        refunds.append(build_refund(payment, find_terms(payment, refunds, amount_usd=None)))
    else:
        assert left_credits == 0

    assert find_rest(payment, refunds) == (0, 0)
    standing = [refund for refund in refunds if refund.state != RefundState.FAILED]
    assert sum(refund.amount_minor for refund in standing) == whole_minor
    assert sum(refund.credit_amount for refund in standing) == whole


def _find(payment, refunds, place, share):
    """Return the terms of a part of the whole, as asked for here or as made elsewhere; None if too much."""
    try:
        if place == "asked":
            cents = max(1, int(payment.credit_amount * 100 * Decimal(share)))
            return find_terms(payment, refunds, amount_usd=Decimal(cents) / 100)
        return find_terms_of_minor(payment, refunds, amount_minor=max(1, int(payment.refundable_minor * share)))
    except RefundExceedsPaymentError:
        return None


def assert_within(payment, refunds):
    left_minor, left_credits = find_rest(payment, refunds)
    assert 0 <= left_minor <= payment.refundable_minor
    assert 0 <= left_credits <= payment.credited_amount
    for refund in refunds:
        assert refund.amount_minor > 0
        assert refund.credit_amount >= 0
        assert refund.credit_amount == refund.credit_amount.quantize(Decimal("0.0001"))
