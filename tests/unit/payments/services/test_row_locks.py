from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments.lifecycles import PaymentState
from payments.models import Dispute, PaymentLog, Refund
from payments.services.row_locks import lock_disputes, lock_payment, lock_refunds
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import DisputeFactory, RefundFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment():
    return PaymentFactory(at=PaymentState.COMPLETED)


def locked(call):
    with transaction.atomic():
        return call()


def test_lock_payment_returns_the_row_as_it_is_after_the_wait():
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    with transaction.atomic():
        mine = lock_payment(payment.pk)
        other = actors.start(partial(locked, partial(lock_payment, payment.pk)))
        actors.wait_until_blocked()
        mine.fail(code="gateway_failed", message="", cause=CAUSE, now=timezone.now())
        PaymentLog.write([mine], now=timezone.now())

    seen = other.result(actors.PATIENCE_SECONDS)

    assert (seen.state, seen.lock_version) == ("failed", read(payment).lock_version)


def test_lock_payment_that_is_not_there():
    with pytest.raises(PaymentLog.DoesNotExist):
        locked(partial(lock_payment, PaymentFactory.build(user_id=1).pk))


@pytest.mark.parametrize(
    ("make", "lock", "change"),
    [
        (RefundFactory, lock_refunds, lambda row: row.start_submitting(cause=CAUSE, now=timezone.now())),
        (DisputeFactory, lock_disputes, lambda row: row.win(cause=CAUSE, now=timezone.now())),
    ],
)
def test_lock_rows_of_a_payment_returns_them_as_they_are_after_the_wait(payment, make, lock, change):
    row = make(payment=payment)
    with transaction.atomic():
        [mine] = lock(payment)
        other = actors.start(partial(locked, partial(lock, payment)))
        actors.wait_until_blocked()
        change(mine)
        type(mine).write([mine], now=timezone.now())

    [seen] = other.result(actors.PATIENCE_SECONDS)

    assert (seen.pk, seen.state, seen.lock_version) == (row.pk, mine.state, 1)


@pytest.mark.parametrize(("make", "lock"), [(RefundFactory, lock_refunds), (DisputeFactory, lock_disputes)])
def test_lock_rows_of_a_payment_are_its_own_oldest_first(payment, make, lock):
    part = {"amount_minor": 1_650_000, "credit_amount": 10}
    made = [make(payment=payment, **part) for _ in range(2)]
    make()

    assert [row.pk for row in locked(partial(lock, payment))] == [row.pk for row in made]


@pytest.mark.parametrize(
    ("make", "lock", "model"), [(RefundFactory, lock_refunds, Refund), (DisputeFactory, lock_disputes, Dispute)]
)
def test_lock_rows_of_a_payment_leaves_those_of_others_free(payment, make, lock, model):
    make(payment=payment)
    other = make()

    with transaction.atomic():
        lock(payment)
        free = actors.start(partial(locked, partial(_list_free, model))).result(actors.PATIENCE_SECONDS)

    assert free == [other.pk]


def _list_free(model):
    return list(model.objects.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True))


@pytest.mark.parametrize("lock", [lock_refunds, lock_disputes])
def test_lock_rows_of_a_payment_that_has_none(payment, lock):
    assert locked(partial(lock, payment)) == []


@pytest.mark.parametrize("lock", [lambda payment: lock_payment(payment.pk), lock_refunds, lock_disputes])
def test_lock_lets_rows_be_referred_to_meanwhile(payment, lock):
    """A lock for key changes would make a webhook's row, which names its payment, wait."""
    RefundFactory(payment=payment)
    DisputeFactory(payment=payment)
    statements = []

    def look(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(look):
        lock(payment)

    locking = [sql for sql in statements if "FOR " in sql]
    assert len(locking) == 1
    assert locking[0].endswith("FOR NO KEY UPDATE")
