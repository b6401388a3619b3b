"""Eight actors credit one payment at once while protections are taken away, one alone, or all but one.

The actor that comes first stops before it writes the payment until the seven others wait for a
lock, so that everybody who can decide on an old row has done so before the first commit.
"""

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from functools import partial

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from billing.models import Transaction, Wallet
from namaskah.errors import ConcurrentUpdateError
from payments.models import PaymentLog
from payments.services import crediting
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.integration import actors

ACTORS = 8
ROW_LOCK = " FOR NO KEY UPDATE"
VERSION_CHECK = ' AND kept."lock_version" = changed."lock_version"'


class Protection(Enum):
    ROW_LOCK = "row lock"
    FRESH_READ = "read after the lock"
    VERSION = "lock version"
    UNIQUE_INDEXES = "unique indexes of the ledger"
    TRIGGERS = "triggers"


# What an actor that comes too late meets.
SEES_THE_CREDIT = "already_settled"
UNIQUE_INDEX = "sms_transactions_reference_key"
OTHER_VERSION = "concurrent_update"
TRIGGER = "payment_logs_check_change"


@pytest.fixture
def take_away(scratch_database, monkeypatch):
    """Return what takes protections away; those within statements only for calls that it wraps."""

    def take(protections, call):
        if Protection.FRESH_READ in protections:
            monkeypatch.setattr(crediting, "_lock_payments", _read_and_then_lock)
        if Protection.UNIQUE_INDEXES in protections:
            _execute("ALTER TABLE sms_transactions DROP CONSTRAINT sms_transactions_reference_key")
            _execute("DROP INDEX billing_transaction_one_credit, billing_transaction_own_key_once")
        if Protection.TRIGGERS in protections:
            for table in ("payment_logs", "sms_transactions", "wallets"):
                _execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        return partial(_call_without, protections, call)

    return take


def race(take_away, protections):
    """Let the actors credit one payment; return how often each thing became of them."""
    payment = PaymentFactory()
    evidence, now = EvidenceFactory(of=payment), timezone.now()
    pause = actors.Pause('UPDATE "payment_logs"')
    credit = pause.of(take_away(protections, partial(_credit, evidence)))

    credits_begun = [actors.start(partial(credit, now + timedelta(seconds=number))) for number in range(ACTORS)]
    pause.wait_until_reached()
    actors.wait_until_blocked(ACTORS - 1)
    pause.go_on()

    return Counter(_tell(future.exception(actors.PATIENCE_SECONDS) or future.result()) for future in credits_begun)


def assert_credited_once():
    assert list(Transaction.objects.values_list("type", "amount", "balance_after")) == [("credit", 25, 25)]
    assert list(Wallet.objects.values_list("balance", "sequence")) == [(Decimal(25), 1)]
    assert list(PaymentLog.objects.values_list("state", "credited", "lock_version")) == [("completed", True, 1)]


@pytest.mark.parametrize(
    ("protection", "what_refuses"),
    [
        pytest.param(None, SEES_THE_CREDIT, id="nothing"),
        pytest.param(Protection.ROW_LOCK, UNIQUE_INDEX, id="row lock"),
        pytest.param(Protection.FRESH_READ, UNIQUE_INDEX, id="read after the lock"),
        pytest.param(Protection.VERSION, SEES_THE_CREDIT, id="lock version"),
        pytest.param(Protection.UNIQUE_INDEXES, SEES_THE_CREDIT, id="unique indexes"),
        pytest.param(Protection.TRIGGERS, SEES_THE_CREDIT, id="triggers"),
    ],
)
def test_one_protection_taken_away_credits_once(take_away, protection, what_refuses):
    became = race(take_away, {protection} - {None})

    assert became == {"credited": 1, what_refuses: ACTORS - 1}
    assert_credited_once()


@pytest.mark.parametrize(
    ("left", "what_refuses"),
    [
        pytest.param({Protection.ROW_LOCK, Protection.FRESH_READ}, SEES_THE_CREDIT, id="row lock and fresh read"),
        pytest.param({Protection.UNIQUE_INDEXES}, UNIQUE_INDEX, id="unique indexes"),
        pytest.param({Protection.VERSION}, OTHER_VERSION, id="lock version"),
        pytest.param({Protection.TRIGGERS}, TRIGGER, id="triggers"),
    ],
)
def test_one_protection_left_alone_credits_once(take_away, left, what_refuses):
    became = race(take_away, set(Protection) - left)

    assert became == {"credited": 1, what_refuses: ACTORS - 1}
    assert_credited_once()


def test_every_protection_taken_away_credits_again_and_again(take_away):
    became = race(take_away, set(Protection))

    assert became == {"credited": ACTORS}
    assert Transaction.objects.filter(type="credit").count() == ACTORS
    assert list(Wallet.objects.values_list("balance", flat=True)) == [Decimal(25) * ACTORS]


@pytest.mark.parametrize("half", [Protection.ROW_LOCK, Protection.FRESH_READ])
def test_row_lock_and_fresh_read_are_nothing_without_each_other(take_away, half):
    became = race(take_away, set(Protection) - {half})

    assert became == {"credited": ACTORS}


def _credit(evidence, now):
    return crediting.credit_user(reference=evidence.reference, evidence=evidence, cause=CAUSE, now=now)


def _call_without(protections, call, *arguments):
    with ExitStack() as stack:
        if Protection.ROW_LOCK in protections:
            stack.enter_context(connection.execute_wrapper(_stripping(ROW_LOCK)))
        if Protection.VERSION in protections:
            stack.enter_context(connection.execute_wrapper(_stripping(VERSION_CHECK)))
        return call(*arguments)


def _stripping(text):
    """Return an execute wrapper that takes `text` out of the statements about payments."""

    def strip(execute, sql, params, many, context):
        return execute(sql.replace(text, "") if '"payment_logs"' in sql else sql, params, many, context)

    return strip


def _read_and_then_lock(references):
    payments = {payment.reference: payment for payment in PaymentLog.objects.filter(reference__in=references)}
    crediting._lock_rows(references)
    return payments


def _tell(result):
    if isinstance(result, ConcurrentUpdateError):
        return result.code
    if isinstance(result, IntegrityError):
        diagnosis = result.__cause__.diag
        return diagnosis.constraint_name or diagnosis.context.split()[2].removesuffix("()")
    if isinstance(result, BaseException):
        raise result
    return result.result.value


def _execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
