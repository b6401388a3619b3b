"""What was posted for a payment."""

import pytest

from billing.lifecycles import TransactionType
from billing.models import Transaction
from billing.selectors.entries import list_entries_of_payment
from payments.lifecycles import PaymentState
from tests.factories.payments import PaymentFactory
from tests.plans import multiply

pytestmark = pytest.mark.django_db


def test_entries_of_a_payment_are_those_that_name_it():
    payment = PaymentFactory(at=PaymentState.COMPLETED)
    PaymentFactory(at=PaymentState.COMPLETED, user=payment.user)

    entries = list(list_entries_of_payment(payment.pk))

    assert [(entry.type, entry.payment_log_id) for entry in entries] == [(TransactionType.CREDIT, payment.pk)]


def test_entries_are_found_through_both_indexes():
    payment = PaymentFactory(at=PaymentState.COMPLETED)
    multiply(
        Transaction.objects.get(payment_log_id=payment.pk),
        id="gen_random_uuid()",
        sequence="1000 + number",
        reference="gen_random_uuid()",
        idempotency_key="gen_random_uuid()",
        payment_log_id="gen_random_uuid()",
    )

    plan = list_entries_of_payment(payment.pk).explain()

    assert "Seq Scan on sms_transactions" not in plan
    assert "billing_transaction_one_credit" in plan
    assert "billing_transaction_of_payment" in plan
