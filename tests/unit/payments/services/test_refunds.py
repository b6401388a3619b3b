"""Asking for a refund, and the second person's decision; the gateway is not asked yet."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from billing.models import Hold, Transaction
from billing.services.ledger import InsufficientCreditsError
from namaskah.errors import PermissionDeniedError
from namaskah.idempotency.claims import RequestInProgressError
from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint
from payments.lifecycles import DisputeState, PaymentState, TransitionSource
from payments.models import Cause, GatewayCall, PaymentLog, Refund
from payments.services import refunds
from payments.services.refund_terms import (
    PaymentDisputedError,
    PaymentNotRefundableError,
    RefundExceedsPaymentError,
)
from payments.services.refunds import RefundKeyReusedError, RefundRequest
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import DisputeFactory, request
from tests.factories.users import StaffFactory, UserFactory
from tests.unit.namaskah.idempotency import steps as keys
from tests.unit.payments.models.refund_steps import move as move_row
from tests.unit.payments.models.steps import take_step
from tests.unit.payments.services.purchases import credit
from tests.unit.payments.services.refunding import digest, standing

pytestmark = pytest.mark.django_db

LARGE = {"amount_minor": 24_750_000, "credit_amount": Decimal("150.0000")}


@pytest.fixture
def payment():
    """A purchase of 25 credits."""
    return PaymentFactory(at="completed")


@pytest.fixture
def large():
    """A purchase of 150 credits, of which not all goes back without a second person."""
    return PaymentFactory(at="completed", **LARGE)


def read(refund):
    return Refund.objects.get(pk=refund.pk)


@pytest.mark.parametrize("source", ["admin", "api"])
def test_request_refund_of_ones_own_payment_is_for_customers_alone(payment, source):
    payer = payment.user
    payer.user_permissions.add(Permission.objects.get(codename="request_refund"))
    cause = Cause(source=TransitionSource(source))

    def ask(by):
        terms = RefundRequest(payment_id=payment.pk, amount_usd=Decimal(5), reason="Mine.", idempotency_key=uuid4())
        return refunds.request_refund(request=terms, by=by, cause=cause, now=timezone.now())

    if source == "admin":
        with pytest.raises(PermissionDeniedError, match="Nobody sends back what they paid themselves"):
            ask(payer)
    else:
        assert ask(payer).state == "approved"
    # One of the staff may not with a key either.
    payer.is_staff = True
    with pytest.raises(PermissionDeniedError, match="Nobody sends back what they paid themselves"):
        ask(payer)


def test_request_refund_takes_the_credits_and_queues_it(payment):
    staff, key = StaffFactory(), uuid4()

    made = request(payment, "10.00", by=staff, idempotency_key=key, reason="Wrong number.")

    refund = read(made)
    assert (refund.state, refund.needs_approval, refund.next_check_at) == ("approved", False, refund.created_at)
    assert (refund.payment_id, refund.amount_minor, refund.credit_amount) == (payment.pk, 1_650_000, Decimal(10))
    assert (refund.requested_by, refund.idempotency_key, refund.reason) == (staff, key, "Wrong number.")
    assert (refund.decided_by, refund.gateway_refund_id, refund.reversal) == (None, None, None)
    assert [(step["from"], step["to"], step["reason"]) for step in refund.state_transitions] == [
        (None, "approved", "requested")
    ]
    assert standing(payment.user) == (15, 0, [25, -10])


def test_request_refund_books_one_entry_against_the_gateway(payment):
    refund = read(request(payment))

    entry = refund.ledger_entry
    assert (entry.type, entry.amount, entry.counter_account) == ("refund", -25, "gateway:paystack")
    assert (entry.reference, entry.payment_log_id, entry.idempotency_key) == (refund.reference, payment.pk, refund.pk)
    assert entry.description == f"Refund of {payment.reference}"
    assert (refund.hold.state, refund.hold.amount, refund.hold.reference) == ("taken", 25, refund.reference)


def test_request_refund_asks_the_gateway_nothing(payment):
    request(payment)

    assert not GatewayCall.objects.exists()
    assert PaymentLog.objects.get().state == "completed"


def test_request_refund_above_the_threshold_holds_and_waits(large):
    refund = request(large, "100.01")

    assert (refund.state, refund.needs_approval, refund.next_check_at) == ("awaiting_approval", True, None)
    assert (refund.hold.state, refund.hold.amount, refund.ledger_entry) == ("held", Decimal("100.01"), None)
    assert standing(large.user) == (150, Decimal("100.01"), [150])


def test_request_refund_of_exactly_the_threshold_needs_nobody(large, settings):
    settings.REFUND_APPROVAL_USD = Decimal("100.00")

    assert request(large, "100.00").state == "approved"


def test_request_refund_that_takes_the_rest_above_the_threshold_waits(large):
    # All that is left, without an amount: what it moves decides, not what was said.
    assert request(large).state == "awaiting_approval"


def test_request_refund_of_uncredited_money_above_the_threshold_waits():
    payment = PaymentFactory(at="processing")
    credit(payment, requested_amount_minor=17_000_000, amount_minor=17_000_000)

    refund = request(payment)

    assert (refund.credit_amount, refund.needs_approval) == (0, True)


def test_request_refund_of_spent_credits_is_refused_and_nothing_written(payment):
    post(payment.user, type="debit", amount=Decimal("-15.0001"), counter_account="revenue:sms")
    before = digest()

    with pytest.raises(InsufficientCreditsError) as refusal:
        request(payment, "10.00")

    assert refusal.value.code == "insufficient_credits"
    assert refusal.value.detail == "The wallet has 9.9999 available; 10.00 are needed."
    assert digest() == before


def test_request_refund_of_held_credits_is_refused(large):
    request(large, "100.01")

    with pytest.raises(InsufficientCreditsError):
        post(large.user, type="debit", amount=Decimal("-50.00"), counter_account="revenue:sms")

    post(large.user, type="debit", amount=Decimal("-49.99"), counter_account="revenue:sms")
    with pytest.raises(InsufficientCreditsError):
        request(large, "0.01")


def test_request_refund_in_parts_until_nothing_is_left(payment):
    for _ in range(3):
        request(payment, "8.00")
    last = request(payment)

    assert (last.amount_minor, last.credit_amount) == (165_000, 1)
    with pytest.raises(RefundExceedsPaymentError):
        request(payment, "0.01")
    assert standing(payment.user) == (0, 0, [25, -8, -8, -8, -1])
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == payment.amount_minor


def test_request_refund_of_more_than_is_left_is_refused_and_nothing_written(payment):
    request(payment, "20.00")
    before = digest()

    with pytest.raises(RefundExceedsPaymentError, match=r"Only 5\.00 of this payment"):
        request(payment, "5.01")

    assert digest() == before


@pytest.mark.parametrize("state", ["pending", "processing", "failed"])
def test_request_refund_of_a_payment_without_money_is_refused(state):
    payment = PaymentFactory(at=state)

    with pytest.raises(PaymentNotRefundableError):
        request(payment)

    assert not Refund.objects.exists()


def test_request_refund_of_a_refunded_payment_is_refused(payment):
    take_step(payment, PaymentState.REFUNDED)

    with pytest.raises(PaymentNotRefundableError):
        request(payment)


def test_request_refund_of_an_unknown_payment_is_no_refund(payment):
    with pytest.raises(PaymentLog.DoesNotExist):
        request(PaymentFactory.build(user=payment.user))


def test_request_refund_of_money_never_credited_takes_no_credits():
    payment = PaymentFactory(at="processing")
    credit(payment, requested_amount_minor=2_000_000, amount_minor=2_000_000)

    refund = request(payment)

    assert (refund.state, refund.amount_minor, refund.credit_amount) == ("approved", 2_000_000, 0)
    assert (refund.hold, refund.ledger_entry) == (None, None)
    assert not Transaction.objects.exists()
    assert not Hold.objects.exists()


@pytest.mark.parametrize("state", [DisputeState.OPEN, DisputeState.REVIEW, DisputeState.LOST])
def test_request_refund_while_disputed_is_refused(state, payment):
    dispute = DisputeFactory(payment=payment)
    if state != DisputeState.OPEN:
        move_row(dispute, state)
    before = digest()

    with pytest.raises(PaymentDisputedError):
        request(payment, "1.00")

    assert digest() == before


def test_request_refund_after_a_won_dispute(payment):
    move_row(DisputeFactory(payment=payment), DisputeState.WON)

    assert request(payment).state == "approved"


def test_request_refund_with_the_same_key_gives_the_same_refund(payment):
    staff, key = StaffFactory(), uuid4()
    first = request(payment, "10.00", by=staff, idempotency_key=key)
    before = digest()

    again = request(payment, "10.00", by=staff, idempotency_key=key)

    assert again.pk == first.pk
    assert digest() == before


def test_request_refund_with_the_same_key_after_all_went_back_gives_the_same_refund(payment):
    staff, key = StaffFactory(), uuid4()
    first = request(payment, by=staff, idempotency_key=key)
    DisputeFactory(payment=payment)

    assert request(payment, by=staff, idempotency_key=key).pk == first.pk


def test_request_refund_with_the_key_of_another_person_is_another_refund(payment):
    key = uuid4()

    first, second = (request(payment, "10.00", idempotency_key=key) for _ in range(2))

    assert first.pk != second.pk
    assert standing(payment.user) == (5, 0, [25, -10, -10])


def test_request_refund_with_a_key_used_for_another_payment_is_refused(payment):
    staff, key = StaffFactory(), uuid4()
    request(PaymentFactory(at="completed"), by=staff, idempotency_key=key)

    with pytest.raises(RefundKeyReusedError):
        request(payment, by=staff, idempotency_key=key)

    assert standing(payment.user) == (25, 0, [25])


def test_request_refund_with_a_key_used_for_another_amount_is_refused(payment):
    staff, key = StaffFactory(), uuid4()
    made = request(payment, "5.00", by=staff, idempotency_key=key)

    with pytest.raises(RefundKeyReusedError, match=made.reference):
        request(payment, "20.00", by=staff, idempotency_key=key)

    with pytest.raises(RefundKeyReusedError, match=made.reference):
        # All that is left is another amount too.
        request(payment, by=staff, idempotency_key=key)

    assert request(payment, "5.00", by=staff, idempotency_key=key) == made
    assert standing(payment.user) == (20, 0, [25, -5])


def test_request_refund_with_a_key_used_for_all_that_was_left_gives_the_same_refund(payment):
    staff, key = StaffFactory(), uuid4()
    request(payment, "5.00", by=staff)
    rest = request(payment, by=staff, idempotency_key=key)

    assert request(payment, by=staff, idempotency_key=key) == rest
    assert request(payment, "20.00", by=staff, idempotency_key=key) == rest
    assert standing(payment.user) == (0, 0, [25, -5, -20])


def test_request_refund_without_the_permission_is_refused(payment):
    with pytest.raises(PermissionDeniedError):
        request(payment, by=UserFactory())

    assert standing(payment.user) == (25, 0, [25])


def test_request_refund_advances_the_claim_in_its_own_transaction(payment):
    staff = StaffFactory()
    claim = keys.claim(staff)

    refund = request(payment, by=staff, idempotency_key=claim.key, claim=claim)

    kept = IdempotencyKey.objects.get()
    assert (kept.recovery_point, kept.resource) == (RecoveryPoint.REFUND_CREATED, refund.reference)


def test_request_refund_whose_claim_was_lost_writes_nothing(payment):
    staff = StaffFactory()
    claim = keys.claim(staff)
    keys.stay_silent(claim.key, seconds=keys.LEASE_SECONDS + 1)
    keys.claim(staff, claim.key)
    before = digest()

    with pytest.raises(RequestInProgressError):
        request(payment, by=staff, idempotency_key=claim.key, claim=claim)

    assert digest() == before
    assert IdempotencyKey.objects.get().recovery_point == RecoveryPoint.STARTED
