"""A credited payment and its ledger entry: neither stands without the other."""

from decimal import Decimal

import pytest

from payments.models import PaymentLog
from tests.factories.billing import WalletFactory
from tests.unit.billing.models.raw_sql import disable_trigger, post_entry, refused_by, settle
from tests.unit.payments.models.steps import build_credit, credit_of, evidence_of, move, take_step

UNPOSTED = ("payment_logs_change_by_rule", "payment %: credited without its ledger entry")
UNPAID = (
    "sms_transactions_settled",
    "ledger entry %: its payment is not credited with this amount",
)
FOREIGN = ("sms_transactions_settled", "ledger entry %: its payment is another user's")
UNMOVED = ("sms_transactions_settled", "ledger entry %: its wallet was not moved, or is another user's")


def complete(payment: PaymentLog, **columns: object) -> None:
    move(payment, "completed", **credit_of(payment) | evidence_of(payment) | columns)


def test_credited_payment_without_its_ledger_entry_is_refused(payment):
    with refused_by(*UNPOSTED):
        complete(payment)

    post_entry(build_credit(payment))
    complete(payment)
    settle()


def test_credited_payment_with_an_entry_of_another_type_is_refused(payment):
    with refused_by(*UNPOSTED):
        post_entry(build_credit(payment, type="adjustment"))
        complete(payment)


def test_credited_payment_with_an_entry_in_another_users_wallet_is_refused(payment):
    with refused_by(*UNPOSTED):
        post_entry(build_credit(payment, wallet=WalletFactory()))
        complete(payment)


@pytest.mark.parametrize("amount", ["25.0001", "24.9999", "NaN", None])
def test_credited_payment_with_another_amount_than_its_entry_is_refused(amount, payment):
    with refused_by(*UNPOSTED):
        post_entry(build_credit(payment))
        complete(payment, credited_amount=amount)


def test_credit_whose_payment_is_not_credited_is_refused_at_the_end(payment):
    with refused_by(*UNPAID):
        post_entry(build_credit(payment))

    take_step(payment, "completed")
    settle()


def test_credit_whose_payment_takes_another_step_is_refused_at_the_end(payment):
    with refused_by(*UNPAID):
        post_entry(build_credit(payment))
        move(payment, "failed")


def test_credit_of_a_payment_of_another_user_is_refused_at_the_end(payment):
    disable_trigger(PaymentLog, "payment_logs_change_by_rule")

    with refused_by(*FOREIGN):
        post_entry(build_credit(payment, wallet=WalletFactory()))
        complete(payment)


def test_entry_that_names_a_payment_of_another_user_is_refused_at_the_end(payment):
    with refused_by(*FOREIGN):
        post_entry(build_credit(payment, type="adjustment", wallet=WalletFactory()))

    post_entry(build_credit(payment, type="adjustment"))
    settle()


def test_credit_of_another_amount_than_the_payments_is_refused_at_the_end(payment):
    disable_trigger(PaymentLog, "payment_logs_change_by_rule")

    with refused_by(*UNPAID):
        post_entry(build_credit(payment, amount=Decimal("25.0001")))
        complete(payment)


def test_credit_with_the_payer_as_user_in_another_users_wallet_is_refused_at_the_end(payment):
    with refused_by(*UNMOVED):
        post_entry(build_credit(payment, wallet=WalletFactory(), user=payment.user))
        complete(payment)
