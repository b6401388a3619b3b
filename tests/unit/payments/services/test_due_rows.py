from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments.models import PaymentLog, Refund
from payments.services import due_rows
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import RefundFactory
from tests.integration import actors

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(minutes=5)


def make_due(seconds_ago=1, make=PaymentFactory):
    return make(next_check_at=timezone.now() - timedelta(seconds=seconds_ago))


def claim(table="payment_logs", *, limit=20):
    return list(due_rows.claim_due(table, limit=limit, lease=LEASE))


def seconds_until_due(table):
    """Return in how many seconds each row is due, by the clock that leases go by."""
    statements = {
        "payment_logs": "SELECT extract(epoch FROM next_check_at - now()) FROM payment_logs",
        "refunds": "SELECT extract(epoch FROM next_check_at - now()) FROM refunds",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[table])
        return [float(seconds) for (seconds,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("table", "make", "model"), [("payment_logs", PaymentFactory, PaymentLog), ("refunds", RefundFactory, Refund)]
)
def test_claim_due_puts_the_next_look_off_by_the_lease(table, make, model):
    row = make_due(make=make)

    assert claim(table) == [row.pk]

    [seconds] = seconds_until_due(table)
    assert 290 < seconds <= 300
    assert model.objects.get().lock_version == row.lock_version + 1
    assert model.objects.get().updated_at > row.updated_at
    assert claim(table) == []


def test_claim_due_leaves_what_is_not_due_and_what_nobody_looks_at():
    PaymentFactory(next_check_at=None)
    make_due(seconds_ago=-60)

    assert claim() == []
    assert set(PaymentLog.objects.values_list("lock_version", flat=True)) == {0}


def test_claim_due_takes_those_first_that_are_due_for_longest():
    made = [make_due(seconds) for seconds in (10, 30, 20, 40)]

    assert set(claim(limit=2)) == {made[1].pk, made[3].pk}
    assert set(claim(limit=2)) == {made[0].pk, made[2].pk}


def test_claim_due_goes_by_the_clock_of_the_database(time_machine):
    """Machines whose clocks differ agree on what is due."""
    make_due()
    make_due(seconds_ago=-3600)
    time_machine.move_to(timezone.now() + timedelta(days=1))

    assert len(claim()) == 1


def test_claim_due_is_committed_at_once():
    row = make_due()

    claim()

    assert actors.start(claim).result(actors.PATIENCE_SECONDS) == []
    assert PaymentLog.objects.get(pk=row.pk).lock_version == 1


def test_claim_due_within_a_transaction_is_refused():
    make_due()

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        claim()


def test_claim_due_does_not_wait_for_a_row_that_somebody_works_on():
    held, free = make_due(20), make_due(10)

    with transaction.atomic():
        PaymentLog.objects.select_for_update().get(pk=held.pk)
        claimed = actors.start(claim).result(actors.PATIENCE_SECONDS)

    assert claimed == [free.pk]
    assert claim() == [held.pk]


def test_claim_due_of_eight_threads_at_once_gives_each_row_to_one():
    made = {make_due(seconds).pk for seconds in range(1, 41)}

    claimed = actors.run_together([partial(claim, limit=5)] * 8)

    flat = [row for rows in claimed for row in rows] + claim(limit=40)
    assert len(flat) == 40
    assert set(flat) == made


def test_claim_due_that_is_cut_off_leaves_the_row_due():
    row = make_due()

    def die(execute, sql, params, many, context):
        execute(sql, params, many, context)
        raise SystemExit

    with pytest.raises(SystemExit), connection.execute_wrapper(die):
        claim()

    assert claim() == [row.pk]
