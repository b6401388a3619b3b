"""`update_rows` writes many rows with one statement, exactly, or none of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from namaskah.errors import ConcurrentUpdateError
from namaskah.set_based import update_rows
from payments.models import PaymentLog
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import disable_trigger

pytestmark = pytest.mark.django_db

PAID_AT = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)

# Each is as large, long or odd as its column takes.
EXTREMES = {
    "email": 'o\'hara+\\{test},"x"@example.com',
    "reference": "nmk-" + "z" * 36,
    "idempotency_key": uuid4(),
    "attempt": 32767,
    "amount_usd": Decimal("99999999999999.9999"),
    "currency": "GHS",
    "amount_minor": 2**63 - 1,
    "exchange_rate": Decimal("999999999999.999999"),
    "credit_amount": Decimal("0.0001"),
    "gateway": "NULL",
    "state_transitions": [{"to": "pending", "by": "ü \\ \" ' { } , \t \U0001f4b3", "n": None, "deep": [[1.5, True]]}],
    "credited": True,
    "credited_amount": Decimal("1.1000"),
    "webhook_received": True,
    "gateway_transaction_id": 2**63 - 1,
    "access_code": "{}",
    "authorization_url": "https://checkout.example/{a,b}?x=%s&y=%25",
    "payment_method": "",
    "amount_paid_minor": 2**63 - 1,
    "gateway_fee_minor": 2**31,
    "amount_refunded_minor": 0,
    "review_reason": "null",
    "error_code": "\\N",
    "error_message": "line\nline\r\n\ttab",
    "paid_at": PAID_AT,
    "processing_started_at": datetime.max.replace(tzinfo=UTC),
    "processing_completed_at": datetime(1, 1, 1, tzinfo=UTC),
    "next_check_at": PAID_AT,
    "checks": 0,
    "created_at": PAID_AT,
    "updated_at": PAID_AT,
}


def test_update_rows_writes_one_row():
    payment = PaymentFactory()
    payment.checks = 3

    update_rows([payment], ["checks"], version="lock_version")

    stored = PaymentLog.objects.get()
    assert (stored.checks, stored.lock_version, payment.lock_version) == (3, 1, 1)


@pytest.mark.parametrize("count", [1, 3])
def test_update_rows_writes_many_rows_with_one_statement(count):
    payments = PaymentFactory.create_batch(count)
    for number, payment in enumerate(payments):
        payment.checks = number

    with CaptureQueriesContext(connection) as queries:
        update_rows(payments, ["checks"], version="lock_version")

    assert len(queries) == 1
    stored = PaymentLog.objects.order_by("checks").values_list("pk", "checks", "lock_version")
    assert list(stored) == [(payment.pk, number, 1) for number, payment in enumerate(payments)]
    assert [payment.lock_version for payment in payments] == [1] * count


def test_update_rows_twice_in_a_row_carries_the_version_on():
    payment = PaymentFactory()

    update_rows([payment], ["checks"], version="lock_version")
    update_rows([payment], ["checks"], version="lock_version")

    assert (PaymentLog.objects.get().lock_version, payment.lock_version) == (2, 2)


def test_update_rows_without_rows_asks_nothing():
    with CaptureQueriesContext(connection) as queries:
        update_rows([], ["checks"], version="lock_version")

    assert len(queries) == 0


def test_update_rows_leaves_other_rows_and_columns_alone():
    payment, other = PaymentFactory(), PaymentFactory()
    payment.checks, payment.review_reason = 3, "overpaid"

    update_rows([payment], ["checks"], version="lock_version")

    stored = PaymentLog.objects.get(pk=payment.pk)
    assert (stored.checks, stored.review_reason) == (3, "")
    assert PaymentLog.objects.get(pk=other.pk).lock_version == 0


def test_update_rows_with_one_changed_meanwhile_writes_none():
    first, second, third = PaymentFactory.create_batch(3)
    update_rows([PaymentLog.objects.get(pk=second.pk)], ["checks"], version="lock_version")
    for payment in (first, second, third):
        payment.checks = 9

    with pytest.raises(ConcurrentUpdateError, match="1 of 3 rows were changed"), transaction.atomic():
        update_rows([first, second, third], ["checks"], version="lock_version")

    assert list(PaymentLog.objects.values_list("checks", flat=True)) == [0, 0, 0]
    assert [payment.lock_version for payment in (first, second, third)] == [0, 0, 0]


def test_update_rows_with_one_that_is_not_there_writes_none():
    stored = PaymentFactory()
    missing = PaymentFactory.build(user=UserFactory())
    stored.checks = 9

    with pytest.raises(ConcurrentUpdateError, match="1 of 2 rows"), transaction.atomic():
        update_rows([stored, missing], ["checks"], version="lock_version")

    assert PaymentLog.objects.get().checks == 0


def test_update_rows_with_one_row_twice_is_refused():
    payment = PaymentFactory()
    again = PaymentLog.objects.get()

    with pytest.raises(ConcurrentUpdateError), transaction.atomic():
        update_rows([payment, again], ["checks"], version="lock_version")


def test_update_rows_against_a_rule_of_the_database_keeps_the_versions():
    payment = PaymentFactory()
    payment.credited_amount = Decimal(25)

    with pytest.raises(IntegrityError), transaction.atomic():
        update_rows([payment], ["credited_amount"], version="lock_version")

    assert payment.lock_version == 0


def test_update_rows_of_something_that_is_no_column_is_refused():
    event = WebhookEventFactory()

    with pytest.raises(TypeError, match="attempt_log is not a column of WebhookEvent"):
        update_rows([event], ["attempt_log"], version="deliveries")


def test_extremes_are_planted_for_every_column():
    columns = {field.name for field in PaymentLog._meta.local_concrete_fields}

    assert set(EXTREMES) == columns - {"id", "user", "superseded_by", "state", "lock_version"}


@pytest.mark.parametrize("name", EXTREMES)
def test_update_rows_reads_back_what_was_written(name):
    plain, extreme = PaymentFactory.create_batch(2)
    disable_trigger(PaymentLog, "payment_logs_change_by_rule")
    _drop_checks()
    setattr(extreme, name, EXTREMES[name])

    update_rows([plain, extreme], [name], version="lock_version")

    assert getattr(PaymentLog.objects.get(pk=extreme.pk), name) == EXTREMES[name]
    assert getattr(PaymentLog.objects.get(pk=plain.pk), name) == getattr(plain, name)


def test_update_rows_writes_none_beside_values():
    nullable = [
        name
        for name in PaymentLog.changing_fields
        if PaymentLog._meta.get_field(name).null and name != "superseded_by_id"
    ]
    emptied, filled = PaymentFactory.create_batch(2)
    disable_trigger(PaymentLog, "payment_logs_change_by_rule")
    _drop_checks()
    _fill(emptied, nullable)
    emptied.gateway_transaction_id = 1
    update_rows([emptied], nullable, version="lock_version")

    for name in nullable:
        setattr(emptied, name, None)
    _fill(filled, nullable)
    update_rows([emptied, filled], nullable, version="lock_version")

    stored = PaymentLog.objects.in_bulk([emptied.pk, filled.pk])
    assert [getattr(stored[emptied.pk], name) for name in nullable] == [None] * len(nullable)
    assert [getattr(stored[filled.pk], name) for name in nullable] == [EXTREMES[name] for name in nullable]


def test_update_rows_reads_back_references_and_states():
    payment, successor = PaymentFactory.create_batch(2)
    disable_trigger(PaymentLog, "payment_logs_change_by_rule")
    changed = PaymentLog(pk=payment.pk, lock_version=0, state="failed", user=UserFactory(), superseded_by=successor)

    update_rows([changed], ["state", "user", "superseded_by"], version="lock_version")

    stored = PaymentLog.objects.get(pk=payment.pk)
    assert (stored.state, stored.user, stored.superseded_by) == ("failed", changed.user, successor)

    changed.superseded_by = None
    update_rows([changed], ["superseded_by"], version="lock_version")

    assert PaymentLog.objects.get(pk=payment.pk).superseded_by is None


def test_update_rows_keeps_bytes():
    event = WebhookEventFactory(deliveries=1)
    disable_trigger(type(event), "webhook_events_keep_body")
    event.body = bytes(range(256))

    update_rows([event], ["body"], version="deliveries")

    event.refresh_from_db()
    assert (bytes(event.body), event.deliveries) == (bytes(range(256)), 2)


def _fill(payment: PaymentLog, names: Sequence[str]) -> None:
    for name in names:
        setattr(payment, name, EXTREMES[name])


def _drop_checks() -> None:
    """Extremes are for the columns; that their values fit each other is not asked here."""
    with connection.cursor() as cursor:
        for constraint in PaymentLog._meta.constraints:
            if constraint.name.endswith(("credited_has_amount", "credited_is_settled", "within_amount")):
                cursor.execute(f"ALTER TABLE payment_logs DROP CONSTRAINT {constraint.name}")
