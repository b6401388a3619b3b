"""What the database refuses of one ledger entry, whatever stands beside it."""

from uuid import UUID, uuid4

import pytest

from billing.models import Transaction
from tests.factories.billing import TransactionFactory, post
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import (
    Violation,
    delete,
    insert,
    post_entry,
    refused_by,
    settle,
    truncate,
    update,
)

KEY = UUID("11111111-1111-4111-8111-111111111111")
NOBODY = {"payment_log_id": KEY}
NOTHING = {"reverses_id": KEY}
DEBIT = {"type": "debit", "amount": "-1", "balance_after": "9"}
REFUND = {"type": "refund", "amount": "-1", "balance_after": "9"}
TAKEN = {"amount": "-1", "balance_after": "9"}
GIVEN = {"amount": "1", "balance_after": "11"}

BIRTHS = [
    Violation("billing_transaction_sequence_from_one", {"sequence": 0}),
    Violation("billing_transaction_sequence_from_one", {"sequence": -1}),
    Violation(
        "billing_transaction_balance_not_negative",
        {"amount": "-10.0001", "balance_after": "-0.0001"},
        {"amount": "-10", "balance_after": "0"},
    ),
    Violation("billing_transaction_balance_not_negative", {"balance_after": "NaN"}),
    Violation("billing_transaction_amount_is_number", {"amount": "NaN"}),
    Violation("billing_transaction_sign_fits_type", {"type": "credit", **TAKEN, **NOBODY}),
    Violation("billing_transaction_sign_fits_type", {"type": "reversal", **TAKEN, **NOTHING}),
    Violation("billing_transaction_sign_fits_type", {"type": "reversal", "amount": "0", **NOTHING}),
    Violation("billing_transaction_sign_fits_type", {"type": "debit", **GIVEN}, DEBIT),
    Violation("billing_transaction_sign_fits_type", {"type": "debit", "amount": "0"}, DEBIT),
    Violation("billing_transaction_sign_fits_type", {"type": "refund", **GIVEN}, REFUND),
    Violation("billing_transaction_sign_fits_type", {"type": "refund", "amount": "0"}, REFUND),
    Violation("billing_transaction_sign_fits_type", {"type": "adjustment", "amount": "0"}, GIVEN),
    Violation("billing_transaction_sign_fits_type", {"type": "gift"}, TAKEN),
    Violation("billing_transaction_credit_has_payment", {"type": "credit"}),
    Violation("billing_transaction_reversal_names_entry", {"type": "reversal"}),
    Violation("billing_transaction_reversal_names_entry", NOTHING),
    Violation("billing_transaction_reference_form", {"reference": ""}, {"reference": "a"}),
    Violation("billing_transaction_reference_form", {"reference": "a b"}, {"reference": "A.b_9-"}),
    Violation("billing_transaction_reference_form", {"reference": "ä"}, {"reference": "a" * 64}),
    Violation("billing_transaction_reference_form", {"reference": "a\n"}),
    Violation("billing_transaction_has_counter_account", {"counter_account": ""}, {"counter_account": "revenue:sms"}),
]


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, wallet):
    entry = TransactionFactory.build(wallet=wallet)

    with refused_by(violation.rule):
        insert(entry, **violation.wrong)

    post_entry(entry, **violation.right)
    settle()


def test_insert_entry_with_a_sequence_twice_is_refused(wallet):
    with refused_by("billing_transaction_sequence_once"):
        insert(TransactionFactory.build(wallet=wallet, sequence=1, balance_after=10))

    post_entry(TransactionFactory.build(wallet=wallet, sequence=2))


def test_insert_entry_with_a_reference_twice_is_refused(wallet):
    first = Transaction.objects.get()

    with refused_by("sms_transactions_reference_key"):
        insert(TransactionFactory.build(wallet=wallet, reference=first.reference))

    post_entry(TransactionFactory.build(wallet=wallet, reference=f"{first.reference}0"))


def test_insert_second_credit_of_a_payment_is_refused(db):
    payment = PaymentFactory(at="completed")
    credit = Transaction.objects.get()
    second = TransactionFactory.build(wallet=credit.wallet, payment_log=payment)

    with refused_by("billing_transaction_one_credit"):
        insert(second, type="credit")

    post_entry(second)
    settle()


def test_insert_entry_with_a_key_of_its_creator_twice_is_refused(wallet):
    creator = UserFactory()
    first = post(wallet.user, created_by_id=creator.pk)
    wallet.refresh_from_db()

    with refused_by("billing_transaction_key_once"):
        insert(TransactionFactory.build(wallet=wallet, created_by=creator, idempotency_key=first.idempotency_key))

    for creator_of_another in (UserFactory(), None):
        post_entry(
            TransactionFactory.build(
                wallet=wallet, created_by=creator_of_another, idempotency_key=first.idempotency_key
            )
        )


def test_insert_entry_of_our_own_with_a_key_twice_is_refused(wallet):
    first = Transaction.objects.get()

    with refused_by("billing_transaction_own_key_once"):
        insert(TransactionFactory.build(wallet=wallet, idempotency_key=first.idempotency_key))

    post_entry(TransactionFactory.build(wallet=wallet, created_by=UserFactory(), idempotency_key=first.idempotency_key))
    post_entry(TransactionFactory.build(wallet=wallet, idempotency_key=uuid4()))


@pytest.mark.parametrize("columns", [{"amount": "11"}, {"description": "other"}, {"amount": "NaN"}, {"sequence": 1}])
def test_update_ledger_entry_is_refused(columns, wallet):
    entry = Transaction.objects.get(wallet=wallet)

    with refused_by("sms_transactions_unchanging", "UPDATE on sms_transactions is refused: its rows are append-only"):
        update(entry, **columns)


def test_delete_ledger_entry_is_refused(wallet):
    entry = Transaction.objects.get(wallet=wallet)

    with refused_by("sms_transactions_unchanging", "DELETE on sms_transactions is refused: its rows are append-only"):
        delete(entry)


def test_truncate_ledger_is_refused(wallet):
    with refused_by(
        "sms_transactions_untruncated", "TRUNCATE on sms_transactions is refused: its rows are append-only"
    ):
        truncate(Transaction)

    assert Transaction.objects.filter(wallet=wallet).count() == 1
