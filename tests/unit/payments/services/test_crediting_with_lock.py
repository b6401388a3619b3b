import time
from decimal import Decimal
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django_redis import get_redis_connection
from structlog.testing import capture_logs

from billing.models import Transaction
from payments.models import PaymentLog
from payments.selectors.payments import PaymentNotFoundError
from payments.services import crediting
from payments.services.crediting import CreditResult, PaymentBusyError
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import balance, is_untouched

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment():
    return PaymentFactory()


def credit(payment, *, wait_seconds=None, evidence=None):
    return crediting.credit_user_with_lock(
        reference=payment.reference,
        evidence=evidence or EvidenceFactory(of=payment),
        cause=CAUSE,
        now=timezone.now(),
        wait_seconds=wait_seconds,
    )


def refused_as_busy(payment, **how):
    """Return after how many seconds the payment was refused as busy."""
    started = time.monotonic()
    with pytest.raises(PaymentBusyError) as refusal:
        credit(payment, **how)
    assert (refusal.value.code, refusal.value.retry_after_seconds) == ("payment_busy", 1)
    return time.monotonic() - started


def lock_key(payment):
    return f"payment_lock:{payment.reference}"


def test_credit_user_with_lock_credits_and_leaves_no_lock(payment):
    outcome = credit(payment)

    assert outcome.result is CreditResult.CREDITED
    assert balance(payment.user) == Decimal(25)
    assert get_redis_connection("locks").exists(lock_key(payment)) == 0
    assert connection.in_atomic_block is False


def test_credit_user_with_lock_holds_the_lock_until_the_commit(payment):
    pause = actors.Pause('UPDATE "payment_logs"')
    working = actors.start(pause.of(lambda: credit(payment)))
    pause.wait_until_reached()

    lease = get_redis_connection("locks").pttl(lock_key(payment))
    pause.go_on()

    assert 0 < lease <= 30_000
    assert working.result(actors.PATIENCE_SECONDS).result is CreditResult.CREDITED


def test_credit_user_with_lock_held_elsewhere_is_busy_after_a_second(payment):
    get_redis_connection("locks").set(lock_key(payment), "another", px=30_000)

    seconds = refused_as_busy(payment, wait_seconds=1)

    assert 1 <= seconds < 1.5
    assert is_untouched(payment)


def test_credit_user_with_lock_waits_as_long_as_workers_do_unless_told(payment, settings):
    settings.PAYMENT_LOCK_WAIT_SECONDS = 0.2
    get_redis_connection("locks").set(lock_key(payment), "another", px=30_000)

    assert 0.2 <= refused_as_busy(payment) < 0.7


def test_credit_user_with_lock_row_held_elsewhere_is_busy_after_a_second(payment):
    with transaction.atomic():
        PaymentLog.objects.select_for_update().get(pk=payment.pk)

        refused = actors.start(lambda: refused_as_busy(payment, wait_seconds=1))

        assert 1 <= refused.result(actors.PATIENCE_SECONDS) < 1.5
    assert is_untouched(payment)
    assert credit(payment).result is CreditResult.CREDITED


@pytest.mark.parametrize(("seconds", "shown"), [(0, "1ms"), (1, "1s"), (2.5, "2500ms"), (10, "3s")])
def test_credit_user_with_lock_waits_for_rows_no_longer_than_any_other_transaction(payment, seconds, shown):
    seen = []

    def look_up_timeout(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if "FOR NO KEY UPDATE" in sql and '"payment_logs"' in sql and not seen:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                seen.append(cursor.fetchone()[0])
        return result

    with connection.execute_wrapper(look_up_timeout):
        credit(payment, wait_seconds=seconds)

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert (seen, cursor.fetchone()) == ([shown], ("3s",))


def test_credit_user_with_lock_other_database_trouble_is_not_called_busy(payment):
    def fail(execute, sql, params, many, context):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(fail), pytest.raises(OperationalError, match="server closed"):
        credit(payment)


def test_credit_user_with_lock_unknown_reference_leaves_no_lock(payment):
    evidence = EvidenceFactory()
    stranger = PaymentFactory.build(user=payment.user, reference=evidence.reference)

    with pytest.raises(PaymentNotFoundError):
        credit(stranger, evidence=evidence)

    assert get_redis_connection("locks").exists(lock_key(stranger)) == 0


def test_credit_user_with_lock_without_redis_credits_by_the_row_lock(payment, valkey):
    valkey.stop()

    outcome = credit(payment)

    assert outcome.result is CreditResult.CREDITED
    assert balance(payment.user) == Decimal(25)


@pytest.mark.parametrize("take_away", ["stop", "freeze"])
def test_credit_user_with_lock_without_redis_many_at_once_credit_once(payment, valkey, take_away):
    getattr(valkey, take_away)()

    outcomes = actors.run_together([partial(credit, payment, wait_seconds=3)] * 8)

    assert sorted(outcome.result.value for outcome in outcomes) == ["already_settled"] * 7 + ["credited"]
    assert Transaction.objects.count() == 1
    assert balance(payment.user) == Decimal(25)


def test_credit_user_with_lock_second_call_does_not_wait_for_a_frozen_redis(valkey):
    first, second = PaymentFactory(), PaymentFactory()
    valkey.freeze()
    credit(first)

    started = time.monotonic()
    outcome = credit(second)

    assert outcome.result is CreditResult.CREDITED
    assert time.monotonic() - started < 0.2


def test_credit_user_with_lock_lease_that_ran_out_is_no_error_after_the_commit(payment):
    pause = actors.Pause('UPDATE "payment_logs"')
    with capture_logs() as lines:
        working = actors.start(pause.of(lambda: credit(payment)))
        pause.wait_until_reached()
        get_redis_connection("locks").set(lock_key(payment), "rival", px=30_000)
        pause.go_on()
        outcome = working.result(actors.PATIENCE_SECONDS)

    assert outcome.result is CreditResult.CREDITED
    assert [line["event"] for line in lines] == ["redis_lock_lease_expired"]
    assert get_redis_connection("locks").get(lock_key(payment)) == b"rival"


def test_credit_user_with_lock_rival_after_a_lost_lease_waits_for_the_row_and_credits_nothing(payment):
    pause = actors.Pause('UPDATE "payment_logs"')
    paused = actors.start(pause.of(lambda: credit(payment)))
    pause.wait_until_reached()
    get_redis_connection("locks").delete(lock_key(payment))

    rival = actors.start(lambda: credit(payment, wait_seconds=3))
    actors.wait_until_blocked()
    pause.go_on()

    results = [future.result(actors.PATIENCE_SECONDS).result for future in (paused, rival)]
    assert results == [CreditResult.CREDITED, CreditResult.ALREADY_SETTLED]
    assert balance(payment.user) == Decimal(25)
