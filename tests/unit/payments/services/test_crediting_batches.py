import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Transaction, Wallet
from payments.lifecycles import PaymentState
from payments.models import PaymentLog
from payments.services import crediting
from payments.services.crediting import CreditRequest, CreditResult
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.payments.services.purchases import balance, is_untouched, read, request, supersede

pytestmark = pytest.mark.django_db


def credit(requests):
    return crediting.credit_payments(requests, now=timezone.now())


def test_credit_payments_of_fifty_each_for_itself():
    users = UserFactory.create_batch(4)
    paid = [PaymentFactory(user=users[number % 4]) for number in range(30)]
    settled = [PaymentFactory(user=users[0], at=PaymentState.COMPLETED) for _ in range(5)]
    wrong = [PaymentFactory(user=users[1]) for _ in range(5)]
    failed = [PaymentFactory(user=users[2], at=PaymentState.PROCESSING) for _ in range(5)]
    expected = (
        [(request(payment), CreditResult.CREDITED) for payment in paid]
        + [(request(payment), CreditResult.ALREADY_SETTLED) for payment in settled]
        + [(request(payment, currency="GHS"), CreditResult.UNDER_REVIEW) for payment in wrong]
        + [(_asked(payment, status="failed"), CreditResult.FAILED) for payment in failed]
        + [(CreditRequest(evidence=EvidenceFactory(), cause=CAUSE), CreditResult.UNKNOWN_REFERENCE) for _ in range(5)]
    )
    random.Random(50).shuffle(expected)

    outcomes = credit([asked for asked, _ in expected])

    assert [outcome.result for outcome in outcomes] == [result for _, result in expected]
    assert [outcome.payment.reference if outcome.payment else None for outcome in outcomes] == [
        None if result is CreditResult.UNKNOWN_REFERENCE else asked.evidence.reference for asked, result in expected
    ]
    assert [balance(user) for user in users] == [Decimal(25) * count for count in (8 + 5, 8, 7, 7)]
    assert Transaction.objects.count() == 35
    assert PaymentLog.objects.filter(state="failed").count() == 5
    assert PaymentLog.objects.filter(review_reason="currency_mismatch", credited=False).count() == 5


def test_credit_payments_same_reference_twice_in_a_batch_credits_once():
    payment = PaymentFactory()
    evidence = request(payment)

    outcomes = credit([evidence, evidence, request(payment)])

    assert [outcome.result for outcome in outcomes] == [
        CreditResult.CREDITED,
        CreditResult.ALREADY_SETTLED,
        CreditResult.ALREADY_SETTLED,
    ]
    assert balance(payment.user) == Decimal(25)


def test_credit_payments_good_evidence_after_bad_in_one_batch():
    payment = PaymentFactory()

    outcomes = credit([request(payment, currency="GHS"), request(payment)])

    assert [outcome.result for outcome in outcomes] == [CreditResult.UNDER_REVIEW, CreditResult.CREDITED]
    assert (read(payment).review_reason, balance(payment.user)) == ("", Decimal(25))


def test_credit_payments_both_attempts_in_one_batch_puts_the_second_under_review():
    first = PaymentFactory()
    second = supersede(first)

    credit([request(first), request(second)])

    assert [read(payment).review_reason for payment in (first, second)] == ["", "paid_twice"]
    assert balance(first.user) == Decimal(50)


def test_credit_payments_nothing_asked():
    assert credit([]) == []


@pytest.mark.parametrize("count", [1, 50])
def test_credit_payments_takes_the_same_statements_however_many(count):
    users = UserFactory.create_batch(4)
    for user in users:
        PaymentFactory(user=user, at=PaymentState.COMPLETED)
    requests = [request(PaymentFactory(user=users[number % 4])) for number in range(count)]

    with CaptureQueriesContext(connection) as queries:
        credit(requests)

    # Payments: lock, read, look for used transactions and for money that went back; wallets: look for missing ones,
    # lock, read; one write per table.
    verbs = [query["sql"].lstrip("(").split()[0] for query in queries]
    assert verbs == ["SELECT"] * 7 + ["INSERT", "UPDATE", "UPDATE"]


def test_credit_payments_without_a_credit_touches_no_wallet():
    payment = PaymentFactory(at=PaymentState.COMPLETED)

    with CaptureQueriesContext(connection) as queries:
        credit([_asked(payment)])

    assert [query["sql"].split()[0] for query in queries] == ["SELECT"] * 3


class _BreakError(Exception):
    pass


def _broken_at(number: int, *, after: bool) -> Callable[..., Any]:
    """Return an execute wrapper that fails before, or after, the statement of this number."""
    seen = iter(range(10_000))

    def execute_or_break(execute, sql, params, many, context):
        is_the_one = next(seen) == number
        if is_the_one and not after:
            raise _BreakError
        result = execute(sql, params, many, context)
        if is_the_one:
            raise _BreakError
        return result

    return execute_or_break


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("statement", range(11))
@pytest.mark.django_db(transaction=True)
def test_credit_payments_cut_off_at_a_statement_writes_nothing(statement, after):
    payments = [PaymentFactory() for _ in range(2)]
    requests = [request(payment) for payment in payments]

    # Ten statements: those of a batch, and the making of two wallets.
    with pytest.raises(_BreakError), connection.execute_wrapper(_broken_at(statement, after=after)):
        credit(requests)

    assert [is_untouched(payment) for payment in payments] == [True, True]
    assert not Wallet.objects.exists()
    assert [outcome.result for outcome in credit(requests)] == [CreditResult.CREDITED] * 2


@pytest.mark.django_db(transaction=True)
def test_credit_payments_has_no_statement_that_was_not_cut_off():
    requests = [request(PaymentFactory()) for _ in range(2)]

    with connection.execute_wrapper(_broken_at(11, after=False)):
        outcomes = credit(requests)

    assert [outcome.result for outcome in outcomes] == [CreditResult.CREDITED] * 2


def _asked(payment, **said):
    return CreditRequest(evidence=EvidenceFactory(of=payment, **said), cause=CAUSE)


def test_credit_payments_one_transaction_of_the_gateway_for_two_payments_pays_the_first():
    first, second = PaymentFactory(), PaymentFactory()

    outcomes = credit([request(payment, gateway_transaction_id=4_099_260_516) for payment in (first, second)])

    assert [outcome.result for outcome in outcomes] == [CreditResult.CREDITED, CreditResult.UNDER_REVIEW]
    assert [read(payment).review_reason for payment in (first, second)] == ["", "transaction_reused"]
    assert balance(second.user) == Decimal(0)
