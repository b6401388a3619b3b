"""What the constraints of payments refuse, each planted with everything else legal."""

from decimal import Decimal
from uuid import uuid4

import pytest

from payments.models import PaymentLog
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import Violation, disable_trigger, insert, post_entry, refused_by, settle
from tests.unit.payments.models.steps import build_credit, change, credit_of, evidence_of, move

BIRTH = "payment_logs_born_pending"
EVIDENCE = {"gateway_transaction_id": 1, "amount_paid_minor": 4_125_000}
CREDIT = {"credited": True, "credited_amount": "25"}
COMPLETED = {"state": "completed", **CREDIT, **EVIDENCE}
REFUNDED = {"state": "refunded", **EVIDENCE}

BIRTHS = [
    Violation("payments_paymentlog_amounts_positive", {"amount_usd": "0"}, {"amount_usd": "0.0001"}),
    Violation("payments_paymentlog_amounts_positive", {"amount_usd": "-1"}, {"amount_usd": "99999999999999.9999"}),
    Violation("payments_paymentlog_amounts_positive", {"amount_usd": "NaN"}),
    Violation("payments_paymentlog_amounts_positive", {"credit_amount": "0"}, {"credit_amount": "0.0001"}),
    Violation("payments_paymentlog_amounts_positive", {"credit_amount": "-1"}, {"credit_amount": "1"}),
    Violation("payments_paymentlog_amounts_positive", {"credit_amount": "NaN"}),
    Violation("payments_paymentlog_amounts_positive", {"exchange_rate": "0"}, {"exchange_rate": "0.000001"}),
    Violation("payments_paymentlog_amounts_positive", {"exchange_rate": "-1"}, {"exchange_rate": "1"}),
    Violation("payments_paymentlog_amounts_positive", {"exchange_rate": "NaN"}),
    Violation("payments_paymentlog_amounts_positive", {"amount_minor": 0}, {"amount_minor": 1}),
    Violation("payments_paymentlog_amounts_positive", {"amount_minor": -1}),
    Violation("payments_paymentlog_reference_form", {"reference": "nmk-" + "a" * 35}),
    Violation("payments_paymentlog_reference_form", {"reference": "nmk-" + "A" * 36}),
    Violation("payments_paymentlog_reference_form", {"reference": "rfd-" + "a" * 36}, {"reference": "nmk-" + "a" * 36}),
    Violation("payments_paymentlog_reference_form", {"reference": "nmk-" + "a" * 35 + "\n"}),
    Violation("payments_paymentlog_currency_form", {"currency": "ngn"}, {"currency": "GHS"}),
    Violation("payments_paymentlog_currency_form", {"currency": ""}, {"currency": "USD"}),
    Violation("payments_paymentlog_currency_form", {"currency": "NG\n"}),
    Violation("payment_logs_attempt_check", {"attempt": -1}, {"attempt": 0}),
    Violation("payment_logs_checks_check", {"checks": -1}, {"checks": 0}),
    Violation("payment_logs_lock_version_check", {"lock_version": -1}, behind=BIRTH),
    Violation("payments_paymentlog_state_known", {"state": "paid"}, {"state": "failed"}, behind=BIRTH),
    Violation("payments_paymentlog_state_known", {"state": ""}, {"state": "processing"}, behind=BIRTH),
    Violation("payments_paymentlog_credited_has_amount", {"credited_amount": "25"}, {"credited_amount": None}),
    Violation("payments_paymentlog_credited_has_amount", COMPLETED | {"credited_amount": None}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_credited_amount_positive", COMPLETED | {"credited_amount": "0"}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_credited_amount_positive", COMPLETED | {"credited_amount": "-1"}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_credited_amount_positive", COMPLETED | {"credited_amount": "NaN"}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_completed_is_credited", {"state": "completed", **EVIDENCE}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_credited_is_settled", CREDIT | {"state": "pending"}, REFUNDED | CREDIT, BIRTH),
    Violation("payments_paymentlog_credited_is_settled", CREDIT | {"state": "processing"}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_credited_is_settled", CREDIT | {"state": "failed"}, {"state": "failed"}, BIRTH),
    Violation(
        "payments_paymentlog_settled_has_evidence", COMPLETED | {"gateway_transaction_id": None}, COMPLETED, BIRTH
    ),
    Violation("payments_paymentlog_settled_has_evidence", COMPLETED | {"amount_paid_minor": None}, COMPLETED, BIRTH),
    Violation("payments_paymentlog_settled_has_evidence", REFUNDED | {"gateway_transaction_id": None}, REFUNDED, BIRTH),
    Violation("payments_paymentlog_settled_has_evidence", REFUNDED | {"amount_paid_minor": None}, REFUNDED, BIRTH),
    Violation("payments_paymentlog_evidence_positive", {"gateway_transaction_id": 0}, {"gateway_transaction_id": 1}),
    Violation("payments_paymentlog_evidence_positive", {"gateway_transaction_id": -1}),
    Violation("payments_paymentlog_evidence_positive", {"amount_paid_minor": 0}, {"amount_paid_minor": 1}),
    Violation("payments_paymentlog_evidence_positive", {"amount_paid_minor": -1}),
    Violation("payments_paymentlog_evidence_positive", {"gateway_fee_minor": -1}, {"gateway_fee_minor": 0}),
    Violation("payments_paymentlog_refunds_within_amount", {"amount_refunded_minor": -1}, behind=BIRTH),
]


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, db):
    payment = PaymentFactory.build(user=UserFactory())
    if violation.behind:
        disable_trigger(PaymentLog, violation.behind)

    with refused_by(violation.rule):
        insert(payment, **violation.wrong)

    insert(payment, **violation.right)
    settle()


def test_update_to_completed_without_credit_is_refused(payment):
    with refused_by("payments_paymentlog_completed_is_credited"):
        move(payment, "completed", **evidence_of(payment))

    post_entry(build_credit(payment))
    move(payment, "completed", **evidence_of(payment), **credit_of(payment))
    settle()


@pytest.mark.parametrize("missing", ["gateway_transaction_id", "amount_paid_minor"])
def test_update_to_completed_without_evidence_is_refused(missing, payment):
    with refused_by("payments_paymentlog_settled_has_evidence"):
        post_entry(build_credit(payment))
        move(payment, "completed", **credit_of(payment), **evidence_of(payment) | {missing: None})


def test_update_to_credited_in_an_open_state_is_refused(payment):
    with refused_by("payments_paymentlog_credited_is_settled"):
        post_entry(build_credit(payment))
        change(payment, **credit_of(payment), **evidence_of(payment))


def test_update_of_refunds_above_the_amount_is_refused(completed):
    with refused_by("payments_paymentlog_refunds_within_amount"):
        change(completed, amount_refunded_minor=completed.amount_minor + 1)

    change(completed, amount_refunded_minor=completed.amount_minor)


def test_insert_payment_with_a_reference_twice_is_refused(payment):
    with refused_by("payment_logs_reference_key"):
        insert(PaymentFactory.build(user=payment.user, reference=payment.reference))

    insert(PaymentFactory.build(user=payment.user))


def test_insert_payment_with_a_key_of_its_user_twice_is_refused(payment):
    again = PaymentFactory.build(user=payment.user, idempotency_key=payment.idempotency_key, credit_amount=Decimal(1))

    with refused_by("payments_paymentlog_key_once"):
        insert(again)

    insert(PaymentFactory.build(user=UserFactory(), idempotency_key=payment.idempotency_key))
    change(payment, superseded_by_id=again.pk)
    insert(again)
    settle()


def test_payment_with_a_gateway_transaction_of_another_is_refused(completed):
    other = PaymentFactory()

    with refused_by("payments_paymentlog_gateway_transaction_once"):
        change(other, gateway_transaction_id=completed.gateway_transaction_id)

    change(other, gateway_transaction_id=completed.gateway_transaction_id + 1)


def test_payment_that_supersedes_two_is_refused(payment):
    first, second = PaymentFactory(user=payment.user), PaymentFactory(user=payment.user)
    change(first, superseded_by_id=payment.pk)

    with refused_by("payments_paymentlog_superseded_once"):
        change(second, superseded_by_id=payment.pk)

    change(second, superseded_by_id=first.pk)


def test_payment_superseded_by_itself_is_refused(payment):
    with refused_by("payments_paymentlog_not_superseded_by_itself"):
        change(payment, superseded_by_id=payment.pk)

    change(payment, superseded_by_id=PaymentFactory(user=payment.user, idempotency_key=uuid4()).pk)
