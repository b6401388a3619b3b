"""Refunds by the API that a second person must approve, and those that meet."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from billing.models import Transaction
from payments.lifecycles import PaymentState
from payments.models import GatewayCall, Refund
from payments.services import refund_follow_up, refunds
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.users import StaffFactory
from tests.integration.actors import PATIENCE_SECONDS, Pause, run_together, start, wait_until_blocked
from tests.integration.api.clients import BALANCE, PAYMENTS, ApiClient, allow_refunds, problem, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


def _buy(client, credit_amount):
    """Return a paid purchase of the client's, who may ask for refunds."""
    allow_refunds(client)
    amount_minor = int(credit_amount * 165_000)
    return PaymentFactory(
        user=client.user, at=PaymentState.COMPLETED, credit_amount=Decimal(credit_amount), amount_minor=amount_minor
    )


def _balance(client):
    body = read(client.get(BALANCE))
    return body["balance"], body["held"], body["available"]


def _states(answers):
    return [read(answer)["state"] for answer in answers]


@pytest.mark.parametrize(("amount_usd", "state"), [("100.00", "approved"), ("100.01", "awaiting_approval")])
def test_above_the_threshold_a_second_person_must_agree(api, amount_usd, state):
    payment = _buy(api, 150)

    answer = api.refund(payment.reference, amount_usd=amount_usd)

    assert (answer.status_code, read(answer)["state"]) == (201, state)


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_a_person_is_held_and_cannot_be_spent_or_sent(api, service):
    payment = _buy(api, 150)

    answer = api.refund(payment.reference, amount_usd="149.00")
    held = _balance(api)
    answers = [service.debit(api.user, amount) for amount in ("1.0001", "1.00")]
    refund_follow_up.follow_up_refunds()

    assert _states([answer]) == ["awaiting_approval"]
    assert held == ("150.00", "149.00", "1.00")
    assert (problem(answers[0]), answers[1].status_code) == ((402, "insufficient_credits"), 201)
    assert list(Transaction.objects.order_by("sequence").values_list("type", flat=True)) == ["credit", "debit"]
    assert (Refund.objects.get().state, GatewayCall.objects.count()) == ("awaiting_approval", 0)


def test_what_waits_for_a_person_counts_as_going_back(api):
    payment = _buy(api, 150)
    api.refund(payment.reference, amount_usd="101.00")

    answer = api.refund(payment.reference, amount_usd="49.01")

    assert problem(answer) == (422, "refund_exceeds_payment")


def test_once_a_person_agreed_the_credits_are_taken(api):
    payment = _buy(api, 150)
    refund_id = UUID(read(api.refund(payment.reference))["refund_id"])

    refunds.approve_refund(refund_id=refund_id, by=StaffFactory(), cause=CAUSE, now=timezone.now())

    assert _balance(api) == ("0.00", "0.00", "0.00")
    assert [row["state"] for row in read(api.get(f"{PAYMENTS}/{payment.reference}"))["refunds"]] == ["approved"]


def test_once_a_person_refused_the_credits_can_be_spent(api):
    payment = _buy(api, 150)
    refund_id = UUID(read(api.refund(payment.reference))["refund_id"])

    refunds.reject_refund(refund_id=refund_id, by=StaffFactory(), reason="No", cause=CAUSE, now=timezone.now())

    assert _balance(api) == ("150.00", "0.00", "150.00")
    assert [row["state"] for row in read(api.get(f"{PAYMENTS}/{payment.reference}"))["refunds"]] == ["rejected"]


def test_the_callers_refunds_of_24_hours_count_together(api, other_api):
    payments = [_buy(api, 60) for _ in range(4)]
    begun_at = timezone.now()

    first = [api.refund(payment.reference, amount_usd="50.00") for payment in payments[:2]]
    third = api.refund(payments[2].reference, amount_usd="0.01")
    of_another = other_api.refund(_buy(other_api, 60).reference)
    with time_machine.travel(begun_at + timedelta(hours=23, minutes=59)):
        too_early = api.refund(payments[2].reference, amount_usd="0.01")
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        next_day = api.refund(payments[3].reference)

    assert _states([*first, third, of_another]) == ["approved", "approved", "awaiting_approval", "approved"]
    assert _states([too_early, next_day]) == ["awaiting_approval", "approved"]


def test_what_another_person_agreed_to_does_not_count_again(api):
    large, small = _buy(api, 150), _buy(api, 60)
    waiting = UUID(read(api.refund(large.reference))["refund_id"])
    refunds.approve_refund(refund_id=waiting, by=StaffFactory(), cause=CAUSE, now=timezone.now())

    assert _states([api.refund(small.reference)]) == ["approved"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_under_two_keys_never_send_back_more_than_was_paid(api):
    payment = _buy(api, 25)
    second = ApiClient(api.user)
    pause = Pause('INSERT INTO "refunds"')
    first = start(pause.of(lambda: api.refund(payment.reference, amount_usd="12.51")))
    pause.wait_until_reached()

    later = start(lambda: second.refund(payment.reference, amount_usd="12.51"))
    wait_until_blocked()
    pause.go_on()

    assert first.result(PATIENCE_SECONDS).status_code == 201
    assert problem(later.result(PATIENCE_SECONDS)) == (422, "refund_exceeds_payment")
    assert _balance(api) == ("12.49", "0.00", "12.49")


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_under_eight_keys_give_as_many_as_fit(api):
    payment = _buy(api, 25)
    clients = [ApiClient(api.user) for _ in range(8)]

    answers = run_together([lambda each=each: each.refund(payment.reference, amount_usd="5.01") for each in clients])

    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [422] * 4
    assert (Refund.objects.count(), _balance(api)) == (4, ("4.96", "0.00", "4.96"))


@pytest.mark.django_db(transaction=True)
def test_two_at_once_of_two_payments_do_not_overlook_each_other(api):
    payments, second = [_buy(api, 60) for _ in range(2)], ApiClient(api.user)
    pause = Pause('INSERT INTO "refunds"')
    first = start(pause.of(lambda: api.refund(payments[0].reference)))
    pause.wait_until_reached()

    later = start(lambda: second.refund(payments[1].reference))
    wait_until_blocked()
    pause.go_on()

    assert _states([first.result(PATIENCE_SECONDS), later.result(PATIENCE_SECONDS)]) == [
        "approved",
        "awaiting_approval",
    ]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_makes_one_refund(api):
    payment, key, second = _buy(api, 25), uuid4(), ApiClient(api.user)
    pause = Pause('INSERT INTO "refunds"')
    first = start(pause.of(lambda: api.refund(payment.reference, key=key)))
    pause.wait_until_reached()

    meanwhile = second.refund(payment.reference, key=key)
    pause.go_on()

    assert problem(meanwhile) == (409, "request_in_progress")
    assert first.result(PATIENCE_SECONDS).status_code == 201
    assert second.refund(payment.reference, key=key).content == first.result().content
    assert (Refund.objects.count(), _balance(api)) == (1, ("0.00", "0.00", "0.00"))


@pytest.mark.django_db(transaction=True)
def test_a_debit_that_comes_meanwhile_leaves_nothing_to_refund(api, service):
    payment = _buy(api, 25)
    pause = Pause('INSERT INTO "sms_transactions"')
    debit = start(pause.of(lambda: service.debit(api.user, "0.0001")))
    pause.wait_until_reached()

    refund = start(lambda: api.refund(payment.reference))
    wait_until_blocked()
    pause.go_on()

    assert debit.result(PATIENCE_SECONDS).status_code == 201
    assert problem(refund.result(PATIENCE_SECONDS)) == (402, "insufficient_credits")
    assert (Refund.objects.count(), _balance(api)) == (0, ("24.9999", "0.00", "24.9999"))
