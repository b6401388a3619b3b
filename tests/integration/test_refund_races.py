"""Refunds of one payment at the same moment, and answers that are lost: never more goes back than was paid."""

from collections import Counter
from decimal import Decimal
from functools import partial
from itertools import cycle, islice
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.models import Hold, Transaction, Wallet
from billing.services.ledger import InsufficientCreditsError
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import RefundState
from payments.models import Dispute, GatewayCall, Refund
from payments.services import disputes, refunds
from payments.services.refund_terms import PaymentDisputedError
from tests.factories.billing import post
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import RefundFactory, request
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.payments.services.conftest import _expect
from tests.unit.payments.services.refunding import (
    buy,
    move,
    refund_on_dashboard,
    refunds_there,
    standing,
    states,
    steps,
    submit,
    sync,
)

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = {"amount_minor": 24_750_000, "credit_amount": Decimal("150.0000")}
AFTER_ACCEPT = ["reset_after_accept", "http_500_after_accept", "half_body", "not_json", "missing_data"]


@pytest.fixture
def payment():
    return PaymentFactory(at="completed")


@pytest.fixture
def known(sandbox):
    """Return how a payment is bought that the gateway knows."""
    sandbox.expect = _expect
    return partial(buy, sandbox)


def names(results):
    return Counter(type(result).__name__ for result in results)


def assert_whole(payment, *, refunded):
    """Refunds, holds, ledger and wallet say the same."""
    rows = Refund.objects.filter(payment=payment).exclude(state__in=[RefundState.FAILED, RefundState.REJECTED])
    assert sum(row.credit_amount for row in rows) == refunded
    assert sum(row.amount_minor for row in rows) <= payment.amount_minor
    wallet = Wallet.objects.get(user=payment.user)
    amounts = Transaction.objects.filter(user=payment.user).values_list("amount", flat=True)
    assert (wallet.balance, wallet.sequence) == (sum(amounts), len(amounts))
    open_holds = Hold.objects.filter(wallet=wallet, state="held").values_list("amount", flat=True)
    assert wallet.held == sum(open_holds)


def test_ten_refunds_at_once_never_send_back_more_than_was_paid(payment):
    staff = StaffFactory()

    results = actors.run_together([partial(request, payment, "6.00", by=staff)] * 10)

    assert names(results) == {"Refund": 4, "RefundExceedsPaymentError": 6}
    assert_whole(payment, refunded=24)
    assert standing(payment.user) == (1, 0, [25, -6, -6, -6, -6])


def test_ten_refunds_of_the_whole_at_once_are_one(payment):
    staff = StaffFactory()

    results = actors.run_together([partial(request, payment, by=staff)] * 10)

    assert names(results) == {"Refund": 1, "RefundExceedsPaymentError": 9}
    assert_whole(payment, refunded=25)


def test_ten_refunds_of_many_amounts_at_once_leave_what_the_rest_then_takes(payment):
    staff = StaffFactory()
    amounts = ["0.01", "3.33", "7.77", "12.50", "25.00"] * 2

    results = actors.run_together([partial(request, payment, amount, by=staff) for amount in amounts])

    assert set(names(results)) <= {"Refund", "RefundExceedsPaymentError"}
    if standing(payment.user)[0]:
        request(payment, by=staff)
    assert_whole(payment, refunded=25)
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == payment.amount_minor
    assert standing(payment.user)[0] == 0


def test_ten_refunds_that_wait_for_a_person_hold_no_more_than_was_paid():
    payment, staff = PaymentFactory(at="completed", **LARGE), StaffFactory()

    results = actors.run_together([partial(request, payment, "140.00", by=staff)] * 10)

    assert names(results) == {"Refund": 1, "RefundExceedsPaymentError": 9}
    assert standing(payment.user) == (150, 140, [150])
    assert_whole(payment, refunded=140)


def test_refunds_past_the_service_at_once_are_stopped_by_the_database(payment):
    rows = [RefundFactory.build(payment=payment, amount_minor=2_000_000, credit_amount=0) for _ in range(10)]

    results = actors.run_together([row.save for row in rows])

    refusals = [result for result in results if isinstance(result, IntegrityError)]
    assert (len(refusals), Refund.objects.count()) == (8, 2)
    assert all("more than was paid would go back" in str(refusal) for refusal in refusals)


def test_one_key_at_once_is_one_refund(payment):
    staff, key = StaffFactory(), uuid4()

    results = actors.run_together([partial(request, payment, "6.00", by=staff, idempotency_key=key)] * 10)

    assert {result.pk for result in results} == {Refund.objects.get().pk}
    assert standing(payment.user) == (19, 0, [25, -6])


def test_refunds_and_debits_at_once_spend_no_credit_twice(payment):
    staff = StaffFactory()
    debit = partial(post, payment.user, type="debit", amount=Decimal(-5), counter_account="revenue:sms")

    results = actors.run_together([partial(request, payment, "5.00", by=staff), debit] * 5)

    assert names(results)["Refund"] + names(results)["Transaction"] == 5
    assert sum(isinstance(result, InsufficientCreditsError) for result in results) == 5
    assert standing(payment.user)[0] == 0


def test_approval_and_rejection_at_once_decide_once():
    payment, asked = PaymentFactory(at="completed", **LARGE), StaffFactory()
    refund = request(payment, "120.00", by=asked)
    staff = StaffFactory.create_batch(8)

    def decide(number):
        terms = {"refund_id": refund.pk, "by": staff[number], "cause": CAUSE, "now": timezone.now()}
        if number % 2:
            return refunds.reject_refund(reason="No.", **terms)
        return refunds.approve_refund(**terms)

    results = actors.run_together([partial(decide, number) for number in range(8)])

    assert names(results) == {"Refund": 1, "RefundNotWaitingError": 7}
    refund.refresh_from_db()
    expected = (30, 0, [150, -120]) if refund.state == "approved" else (150, 0, [150])
    assert standing(payment.user) == expected


def test_dispute_and_refund_at_once_exclude_each_other(sandbox, known):
    for _ in range(5):
        payment, staff = known(), StaffFactory()
        opened = sandbox.open_dispute(payment.reference, deliveries=0)["dispute"]["id"]
        claim = partial(disputes.sync_dispute, gateway_dispute_id=opened, cause=CAUSE, now=timezone.now())

        claimed, asked = actors.run_together([claim, partial(request, payment, by=staff)])

        assert isinstance(claimed, Dispute)
        wallet = Wallet.objects.get(user=payment.user)
        if isinstance(asked, PaymentDisputedError):
            assert (wallet.balance, wallet.held) == (25, 25)
        else:
            # What goes back is not held as well.
            assert (wallet.balance, wallet.held, claimed.hold) == (0, 0, None)


def test_two_refunds_of_one_payment_are_never_in_doubt_together(sandbox, known):
    payment = known()
    sandbox.script(operation="refund", reference=payment.reference, fault="reset_after_accept", times=None)
    made = [request(payment, "1.00") for _ in range(6)]

    actors.run_together([partial(submit, refund) for refund in made])

    assert Counter(states(payment)) == {"unknown": 1, "approved": 5}
    assert len(refunds_there(sandbox, payment)) == 1


def test_looks_at_once_book_a_dashboard_refund_once(sandbox, known):
    payment = known()
    refund_on_dashboard(sandbox, payment, 1_650_000)
    move(sandbox, payment, "processed")

    results = actors.run_together([partial(sync, payment)] * 8)

    assert all(isinstance(result, list) for result in results)
    payment.refresh_from_db()
    assert (states(payment), payment.amount_refunded_minor) == (["processed"], 1_650_000)
    assert standing(payment.user) == (15, 0, [25, -10])


def test_looks_at_once_give_a_failed_refund_back_once(sandbox, known):
    payment = known()
    submit(request(payment, "10.00"))
    move(sandbox, payment, "failed")

    results = actors.run_together([partial(sync, payment)] * 8)

    assert all(isinstance(result, list) for result in results)
    assert (states(payment), standing(payment.user)) == (["failed"], (25, 0, [25, -10, 10]))


def test_look_while_the_answer_is_on_its_way_finds_it_once(sandbox, known):
    payment = known()
    refund = request(payment, "10.00")
    # Stopped when the gateway has answered, before that is written down.
    pause = actors.Pause('UPDATE "gateway_calls"')
    sending = actors.start(pause.of(partial(submit, refund)))
    pause.wait_until_reached()
    move(sandbox, payment, "processed")

    sync(payment)
    pause.go_on()
    sending.result(actors.PATIENCE_SECONDS)

    assert steps(refund) == ["approved", "submitting", "submitted", "processed"]
    assert (len(refunds_there(sandbox, payment)), standing(payment.user)) == (1, (15, 0, [25, -10]))


def test_fifty_answers_lost_after_accept_are_fifty_refunds_here_and_there(sandbox, known):
    bought = [known() for _ in range(50)]
    for payment, fault in zip(bought, islice(cycle(AFTER_ACCEPT), 50), strict=True):
        # Each from a process of its own, as it were: one that met so many faults asks no more for a while.
        close_connections()
        sandbox.script(operation="refund", reference=payment.reference, fault=fault)
        submit(request(payment, "10.00"))
    assert Counter(Refund.objects.values_list("state", flat=True)) == {"unknown": 50}

    close_connections()
    for payment in bought:
        sync(payment)
        sync(payment)

    assert Counter(Refund.objects.values_list("state", flat=True)) == {"submitted": 50}
    assert GatewayCall.objects.filter(operation="refund").count() == 50
    there = {payment.reference: refunds_there(sandbox, payment) for payment in bought}
    ours = dict(Refund.objects.values_list("payment__reference", "gateway_refund_id"))
    assert {reference: [row["id"] for row in rows] for reference, rows in there.items()} == {
        reference: [number] for reference, number in ours.items()
    }
    assert [standing(payment.user) for payment in bought] == [(15, 0, [25, -10])] * 50


def test_refund_inserted_while_another_is_under_way_waits_for_it(payment):
    first, second = (RefundFactory.build(payment=payment, amount_minor=3_000_000, credit_amount=0) for _ in range(2))

    with transaction.atomic():
        first.save()
        waiting = actors.start(second.save)
        actors.wait_until_blocked()

    assert "more than was paid" in str(waiting.exception(actors.PATIENCE_SECONDS))
    assert Refund.objects.get().pk == first.pk
