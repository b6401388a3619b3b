"""Every column that must not be null, every primary key and every foreign key of our tables refuses."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction

from billing.models import ExchangeRate, Transaction, Wallet
from payments.models import GatewayCall, PaymentLog, WebhookAttempt, WebhookEvent
from tests.factories.billing import ExchangeRateFactory, TransactionFactory, WalletFactory
from tests.factories.payments import GatewayCallFactory, PaymentFactory, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import disable_trigger, execute, insert, post_entry, refused_by, settle

pytestmark = pytest.mark.django_db

BUILDERS: dict[type[models.Model], Callable[[], models.Model]] = {
    ExchangeRate: ExchangeRateFactory.build,
    Transaction: lambda: TransactionFactory.build(wallet=WalletFactory()),
    Wallet: lambda: WalletFactory.build(user=UserFactory()),
    GatewayCall: GatewayCallFactory.build,
    PaymentLog: lambda: PaymentFactory.build(user=UserFactory()),
    WebhookAttempt: lambda: WebhookAttemptFactory.build(event=WebhookEventFactory()),
    WebhookEvent: WebhookEventFactory.build,
}
COLUMNS = [(model, field) for model in BUILDERS for field in model._meta.local_concrete_fields]
REQUIRED = [(model, field.column) for model, field in COLUMNS if not field.null]
REFERRING = [(model, field.column) for model, field in COLUMNS if field.remote_field]
USERS = {field.column for _, field in COLUMNS if field.related_model is User}
NOBODY, NOTHING = 2**31 - 1, UUID(int=0)
# These would refuse first what a column or a foreign key must refuse by itself.
EARLIER_TRIGGERS = {PaymentLog: "payment_logs_born_pending", Transaction: "sms_transactions_continuous"}
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
    reference: dict[str, Any] = {column: NOBODY if column in USERS else NOTHING}
    if column == "reverses_id":
        reference["type"] = "reversal"

    with refused_by(_foreign_key(model, column)):
        insert(row, **reference)


def _foreign_key(model: type[models.Model], column: str) -> str:
    rows = execute(
        "SELECT conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) "
        "WHERE contype = 'f' AND conrelid = %s::regclass AND attname = %s",
        [model._meta.db_table, column],
    )
    return str(rows[0][0])
