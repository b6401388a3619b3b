"""Every column that must not be null, every primary key and every foreign key of our tables refuses."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from billing.models import CreditAdjustment, ExchangeRate, Hold, Receivable, Transaction, Wallet
from payments.models import (
    Dispute,
    GatewayCall,
    PaymentLog,
    ReconciliationBreak,
    Refund,
    ReplayRun,
    ReplayRunEvent,
    ReviewDecision,
    WebhookAttempt,
    WebhookEvent,
)
from tests.factories.billing import ExchangeRateFactory, TransactionFactory, WalletFactory, post
from tests.factories.payments import GatewayCallFactory, PaymentFactory, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.people import CreditAdjustmentFactory, ReviewDecisionFactory
from tests.factories.refunds import (
    DisputeFactory,
    HoldFactory,
    ReceivableFactory,
    ReconciliationBreakFactory,
    RefundFactory,
)
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import disable_trigger, execute, insert, post_entry, refused_by, settle, update

pytestmark = pytest.mark.django_db

BUILDERS: dict[type[models.Model], Callable[[], models.Model]] = {
    CreditAdjustment: lambda: CreditAdjustmentFactory.build(user=UserFactory(), requested_by=UserFactory()),
    ExchangeRate: ExchangeRateFactory.build,
    Hold: lambda: HoldFactory.build(wallet=post(UserFactory()).wallet),
    Receivable: lambda: ReceivableFactory.build(payment_log=PaymentFactory()),
    Transaction: lambda: TransactionFactory.build(wallet=WalletFactory()),
    Wallet: lambda: WalletFactory.build(user=UserFactory()),
    Dispute: lambda: DisputeFactory.build(payment=PaymentFactory()),
    GatewayCall: GatewayCallFactory.build,
    PaymentLog: lambda: PaymentFactory.build(user=UserFactory()),
    ReconciliationBreak: ReconciliationBreakFactory.build,
    Refund: lambda: RefundFactory.build(payment=PaymentFactory()),
    ReplayRun: lambda: ReplayRunFactory.build(by=UserFactory()),
    ReplayRunEvent: lambda: ReplayRunEventFactory.build(run=ReplayRunFactory(), event=WebhookEventFactory()),
    ReviewDecision: lambda: ReviewDecisionFactory.build(payment=PaymentFactory(), decided_by=UserFactory()),
    WebhookAttempt: lambda: WebhookAttemptFactory.build(event=WebhookEventFactory()),
    WebhookEvent: WebhookEventFactory.build,
}
COLUMNS = [(model, field) for model in BUILDERS for field in model._meta.local_concrete_fields]
REQUIRED = [(model, field.column) for model, field in COLUMNS if not field.null]
REFERRING = [(model, field.column) for model, field in COLUMNS if field.remote_field]
USERS = {field.column for _, field in COLUMNS if field.related_model is User}
NOBODY, NOTHING = 2**31 - 1, UUID(int=0)
# These would refuse first what a column or a foreign key must refuse by itself.
EARLIER_TRIGGERS = {
    CreditAdjustment: "credit_adjustments_decided_once",
    Dispute: "disputes_by_rule",
    Hold: "holds_decided_once",
    PaymentLog: "payment_logs_born_pending",
    Refund: "refunds_by_rule",
    Transaction: "sms_transactions_continuous",
}
# Without these a constraint would refuse the reference before its foreign key does.
BESIDE: dict[tuple[type[models.Model], str], Callable[[], dict[str, Any]]] = {
    (CreditAdjustment, "decided_by_id"): lambda: {"decided_at": timezone.now()},
    (CreditAdjustment, "ledger_entry_id"): lambda: {"state": "posted", "needs_approval": False},
    (ReconciliationBreak, "dismissed_by_id"): lambda: {
        "state": "dismissed",
        "closed_at": timezone.now(),
        "dismissal_note": "Settled by hand.",
    },
    (Transaction, "reverses_id"): lambda: {"type": "reversal"},
    (ReplayRun, "stopped_by_id"): lambda: {"state": "stopped", "ended_at": timezone.now()},
    (Refund, "decided_by_id"): lambda: {"decided_at": timezone.now()},
    (Refund, "reversal_id"): lambda: {"state": "failed", "ledger_entry_id": post(UserFactory()).pk},
}
TABLES = [model._meta.db_table for model in BUILDERS]


@pytest.fixture
def build():
    def build_without_earlier_triggers(model: type[models.Model]) -> models.Model:
        row = BUILDERS[model]()
        if model in EARLIER_TRIGGERS:
            disable_trigger(model, EARLIER_TRIGGERS[model])
        return row

    return build_without_earlier_triggers


def insert_legally(row: models.Model) -> None:
    post_entry(row) if isinstance(row, Transaction) else insert(row)
    if isinstance(row, Hold):
        update(row.wallet, held=row.amount)
    settle()


def test_every_model_is_planted():
    ours = {*apps.get_app_config("billing").get_models(), *apps.get_app_config("payments").get_models()}

    assert set(BUILDERS) == ours


def test_every_column_of_the_database_is_planted():
    required = execute(
        "SELECT attrelid::regclass::text, attname FROM pg_attribute "
        "WHERE attrelid = ANY(%s::regclass[]) AND attnum > 0 AND attnotnull",
        [TABLES],
    )
    referring = execute(
        "SELECT conrelid::regclass::text, attname FROM pg_constraint "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) "
        "WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])",
        [TABLES],
    )

    assert set(required) == {(model._meta.db_table, column) for model, column in REQUIRED}
    assert set(referring) == {(model._meta.db_table, column) for model, column in REFERRING}


@pytest.mark.parametrize(("model", "column"), REQUIRED)
def test_insert_null_is_refused(model, column, build):
    row = build(model)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        insert(row, **{column: None})

    diagnosis = refusal.value.__cause__.diag
    assert (diagnosis.sqlstate, diagnosis.table_name, diagnosis.column_name) == ("23502", model._meta.db_table, column)
    insert_legally(row)


@pytest.mark.parametrize("model", BUILDERS)
def test_insert_a_primary_key_twice_is_refused(model, build):
    first, second = build(model), build(model)
    insert_legally(first)

    with refused_by(f"{model._meta.db_table}_pkey"):
        insert(second, id=first.pk)

    insert_legally(second)


@pytest.mark.parametrize(("model", "column"), REFERRING)
def test_insert_reference_to_nothing_is_refused_at_the_end(model, column, build):
    row = build(model)
    beside = BESIDE.get((model, column), dict)()

    with refused_by(_foreign_key(model, column)):
        insert(row, **{column: NOBODY if column in USERS else NOTHING}, **beside)


def _foreign_key(model: type[models.Model], column: str) -> str:
    rows = execute(
        "SELECT conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) "
        "WHERE contype = 'f' AND conrelid = %s::regclass AND attname = %s",
        [model._meta.db_table, column],
    )
    return str(rows[0][0])
