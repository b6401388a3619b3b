from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from billing.models import Transaction, Wallet
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import Cause, PaymentLog
from payments.selectors.payments import PaymentNotFoundError
from payments.services import crediting
from payments.services.crediting import CreditResult
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.factories.users import UserFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import balance, credit, is_untouched, read, supersede

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment():
    return PaymentFactory(at=PaymentState.PROCESSING)


def steps(payment):
    return [(entry["from"], entry["to"], entry["reason"]) for entry in read(payment).state_transitions]


def test_credit_user_paid(payment):
    now, paid_at = timezone.now(), datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    evidence = EvidenceFactory(of=payment, paid_at=paid_at, fees_minor=61_875, channel="bank_transfer")

    outcome = crediting.credit_user(
        reference=payment.reference,
        evidence=evidence,
        cause=Cause(source="api", by="ada", request_id="0d6c1f0e-0000-7000-8000-000000000000"),
        now=now,
    )

    stored = read(payment)
    assert (outcome.result, outcome.payment) == (CreditResult.CREDITED, stored)
    assert (stored.state, stored.credited, stored.credited_amount) == ("completed", True, Decimal("25.0000"))
    assert (stored.gateway_transaction_id, stored.amount_paid_minor) == (evidence.gateway_transaction_id, 4_125_000)
    assert (stored.gateway_fee_minor, stored.payment_method, stored.paid_at) == (61_875, "bank_transfer", paid_at)
    assert (stored.processing_completed_at, stored.updated_at, stored.next_check_at) == (now, now, None)
    assert stored.lock_version == payment.lock_version + 1
    assert stored.state_transitions[-1] == {
        "from": "processing",
        "to": "completed",
        "at": now.isoformat().replace("+00:00", "Z"),
        "by": "ada",
        "source": "api",
        "reason": "paid",
        "event_id": None,
        "request_id": "0d6c1f0e-0000-7000-8000-000000000000",
    }


def test_credit_user_writes_one_ledger_entry_and_moves_the_wallet(payment):
    credit(payment)

    entry = Transaction.objects.get()
    assert (entry.type, entry.amount, entry.balance_after) == ("credit", Decimal("25.0000"), Decimal("25.0000"))
    assert (entry.user_id, entry.payment_log_id, entry.reference) == (payment.user_id, payment.pk, payment.reference)
    assert (entry.idempotency_key, entry.counter_account) == (payment.pk, "gateway:paystack")
    wallet = Wallet.objects.get()
    assert (wallet.user_id, wallet.balance, wallet.sequence) == (payment.user_id, Decimal("25.0000"), 1)


def test_credit_user_credits_what_the_row_promised_whatever_the_payer_bore():
    payment = PaymentFactory(credit_amount=Decimal("7.1234"))

    credit(
        payment,
        amount_minor=payment.amount_minor + 1500,
        requested_amount_minor=payment.amount_minor,
        fees_minor=1500,
    )

    assert balance(payment.user) == Decimal("7.1234")


def test_credit_user_again_changes_nothing(payment):
    credit(payment)
    before = read(payment)

    outcomes = [credit(payment), credit(payment, status="failed"), credit(payment, status="reversed")]

    assert [outcome.result for outcome in outcomes] == [CreditResult.ALREADY_SETTLED] * 3
    after = read(payment)
    assert (after.lock_version, after.state_transitions) == (before.lock_version, before.state_transitions)
    assert (after.state, after.gateway_transaction_id) == ("completed", before.gateway_transaction_id)
    assert balance(payment.user) == Decimal(25)


def test_credit_user_late_success_after_failed():
    payment = PaymentFactory(at=PaymentState.FAILED)

    outcome = credit(payment)

    assert outcome.result is CreditResult.CREDITED
    assert steps(payment)[-2:] == [
        ("processing", "failed", "gateway_failed"),
        ("failed", "completed", "late_success"),
    ]
    assert (read(payment).error_code, read(payment).error_message) == ("", "")
    assert balance(payment.user) == Decimal(25)


def test_credit_user_success_before_the_answer_of_initialize():
    payment = PaymentFactory()

    outcome = credit(payment)

    assert outcome.result is CreditResult.CREDITED
    assert steps(payment) == [(None, "pending", "initialized"), ("pending", "completed", "paid")]


@pytest.mark.parametrize("state", [PaymentState.PENDING, PaymentState.PROCESSING])
@pytest.mark.parametrize(("status", "code"), [("failed", "gateway_failed"), ("reversed", "gateway_reversed")])
def test_credit_user_failed_at_the_gateway(state, status, code):
    payment = PaymentFactory(at=state)

    outcome = credit(payment, status=status, gateway_response="Insufficient funds")

    assert outcome.result is CreditResult.FAILED
    assert steps(payment)[-1] == (state, "failed", code)
    assert (read(payment).error_code, read(payment).error_message) == (code, "Insufficient funds")
    assert not Wallet.objects.exists()


def test_credit_user_old_news_of_a_payment_whose_money_went_back_is_for_a_person():
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    credit(payment, status="reversed")

    outcome = credit(payment, is_announced=True)

    assert (outcome.result, read(payment).review_reason) == (CreditResult.UNDER_REVIEW, "status_mismatch")
    assert not Wallet.objects.exists()


def test_credit_user_under_review_for_its_amount_keeps_what_was_paid():
    payment = PaymentFactory(at=PaymentState.PROCESSING)

    credit(payment, amount_minor=100, requested_amount_minor=payment.amount_minor)

    stored = read(payment)
    assert (stored.review_reason, stored.amount_paid_minor, stored.credited) == ("partial_debit", 100, False)


def test_credit_user_failed_again_adds_no_step():
    payment = PaymentFactory(at=PaymentState.FAILED)

    outcome = credit(payment, status="failed")

    assert outcome.result is CreditResult.FAILED
    assert is_untouched(payment)


@pytest.mark.parametrize("status", ["abandoned", "ongoing", "pending", "processing", "queued", "never-heard-of"])
def test_credit_user_open_writes_nothing(payment, status):
    outcome = credit(payment, status=status)

    assert outcome.result is CreditResult.OPEN
    assert is_untouched(payment)


def test_credit_user_evidence_that_does_not_fit_goes_to_review(payment):
    outcome = credit(payment, amount_minor=100, requested_amount_minor=100)

    stored = read(payment)
    assert outcome.result is CreditResult.UNDER_REVIEW
    assert (stored.review_reason, stored.state, stored.credited) == ("amount_mismatch", "processing", False)
    assert stored.state_transitions == payment.state_transitions
    assert not Transaction.objects.exists()


def test_credit_user_same_objection_again_writes_nothing(payment):
    credit(payment, currency="GHS")
    reviewed = read(payment)

    outcome = credit(payment, currency="GHS")

    assert outcome.result is CreditResult.UNDER_REVIEW
    assert read(payment).lock_version == reviewed.lock_version


def test_credit_user_good_evidence_ends_the_review(payment):
    credit(payment, status="reversal-pending")

    outcome = credit(payment)

    assert outcome.result is CreditResult.CREDITED
    assert read(payment).review_reason == ""
    assert balance(payment.user) == Decimal(25)


def test_credit_user_announced_is_noted_once(payment):
    credit(payment)
    asked = read(payment)

    outcome = credit(payment, is_announced=True)
    announced = read(payment)
    credit(payment, is_announced=True)

    assert outcome.result is CreditResult.ALREADY_SETTLED
    assert [asked.webhook_received, announced.webhook_received] == [False, True]
    assert announced.lock_version == asked.lock_version + 1
    assert read(payment).lock_version == announced.lock_version


@pytest.mark.parametrize("status", ["failed", "pending", "abandoned"])
def test_credit_user_announced_success_that_is_none_goes_to_review(payment, status):
    outcome = credit(payment, is_announced=True, status=status)

    assert outcome.result is CreditResult.UNDER_REVIEW
    assert (read(payment).review_reason, read(payment).state) == (ReviewReason.STATUS_MISMATCH, "processing")


def test_credit_user_unknown_reference():
    evidence = EvidenceFactory()

    with pytest.raises(PaymentNotFoundError):
        crediting.credit_user(reference=evidence.reference, evidence=evidence, cause=CAUSE, now=timezone.now())


def test_credit_user_evidence_about_another_payment_is_refused(payment):
    other = EvidenceFactory(of=PaymentFactory())

    with pytest.raises(ValueError, match="cannot credit"):
        crediting.credit_user(reference=payment.reference, evidence=other, cause=CAUSE, now=timezone.now())

    assert is_untouched(payment)


def test_credit_user_one_gateway_transaction_pays_one_payment_even_if_it_is_not_looked_for(payment, monkeypatch):
    monkeypatch.setattr(crediting, "_list_taken_transactions", lambda _requests: {})
    used = credit(payment).payment.gateway_transaction_id
    other = PaymentFactory(user=payment.user)

    with pytest.raises(IntegrityError) as refusal:
        credit(other, gateway_transaction_id=used)

    assert refusal.value.__cause__.diag.constraint_name == "payments_paymentlog_gateway_transaction_once"


@pytest.mark.parametrize("state", [PaymentState.COMPLETED, PaymentState.PROCESSING])
@pytest.mark.django_db(transaction=True)
def test_credit_user_keeps_no_lock_and_no_transaction_once_it_returned(state):
    payment = PaymentFactory(at=state)

    credit(payment, status="success" if state == PaymentState.COMPLETED else "pending")

    assert connection.in_atomic_block is False
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'transactionid'")
        assert cursor.fetchone() == (0,)
    locked = actors.start(lambda: _lock_at_once(payment)).result(actors.PATIENCE_SECONDS)
    assert locked == payment.pk


def _lock_at_once(payment):
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM payment_logs WHERE id = %s FOR UPDATE NOWAIT", [payment.pk])
        return cursor.fetchone()[0]


def test_credit_user_second_paid_attempt_is_credited_and_put_under_review():
    first = PaymentFactory()
    second = supersede(first)

    credit(second)
    credit(first)

    assert [read(payment).state for payment in (first, second)] == ["completed", "completed"]
    assert [read(payment).review_reason for payment in (first, second)] == ["paid_twice", ""]
    assert balance(first.user) == Decimal(50)


def test_credit_user_only_paid_attempt_of_several_needs_no_review():
    first = PaymentFactory()
    second = supersede(first)
    # The same key of another user is another purchase.
    credit(PaymentFactory(user=UserFactory(), idempotency_key=first.idempotency_key))

    credit(second)

    assert read(second).review_reason == ""


@pytest.mark.django_db(transaction=True)
def test_credit_user_two_attempts_paid_at_once_put_one_under_review():
    first = PaymentFactory()
    second = supersede(first)
    pause = actors.Pause('UPDATE "payment_logs"')

    earlier = actors.start(pause.of(lambda: credit(first)))
    pause.wait_until_reached()
    later = actors.start(lambda: credit(second))
    actors.wait_until_blocked()
    pause.go_on()

    results = [future.result(actors.PATIENCE_SECONDS).result for future in (earlier, later)]
    assert results == [CreditResult.CREDITED] * 2
    assert [read(payment).review_reason for payment in (first, second)] == ["", "paid_twice"]
    assert PaymentLog.objects.filter(credited=True).count() == 2
    assert balance(first.user) == Decimal(50)


def test_credit_user_transaction_of_the_gateway_that_stands_on_another_payment_is_for_review(payment):
    other = PaymentFactory(user=payment.user, at=PaymentState.PROCESSING)
    credit(other, gateway_transaction_id=4_099_260_516)

    outcome = credit(payment, gateway_transaction_id=4_099_260_516)

    stored = read(payment)
    assert (outcome.result, stored.review_reason) == (CreditResult.UNDER_REVIEW, "transaction_reused")
    assert (stored.credited, stored.gateway_transaction_id) == (False, None)
    assert balance(payment.user) == Decimal("25.0000")
