"""What the kernel's own tables refuse, planted through SQL with everything else legal."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.idempotency.models import IdempotencyKey
from namaskah.observability.models import Heartbeat
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import execute, insert, refused_by

pytestmark = pytest.mark.django_db

TOKEN = UUID("0d6c1f0e-0000-4000-8000-000000000000")
NOW = "2026-11-21 10:00:00+00"
FINISHED = {"recovery_point": "finished", "response_status": 201}
KEY_VIOLATIONS = [
    ("idempotency_idempotencykey_point_known", {"recovery_point": "elsewhere"}, {"recovery_point": "gateway_called"}),
    ("idempotency_idempotencykey_finished_has_answer", {"recovery_point": "finished"}, FINISHED),
    ("idempotency_idempotencykey_finished_has_answer", {"response_status": 201}, FINISHED),
    (
        "idempotency_idempotencykey_owner_has_lease",
        {"owner_token": TOKEN},
        {"owner_token": TOKEN, "locked_at": NOW},
    ),
    ("idempotency_idempotencykey_owner_has_lease", {"locked_at": NOW}, {"owner_token": None, "locked_at": None}),
    ("idempotency_keys_replays_check", {"replays": -1}, {"replays": 0}),
    ("idempotency_keys_response_status_check", FINISHED | {"response_status": -1}, FINISHED),
]


def build_key(**fields):
    now = timezone.now()
    columns = {"key": uuid4(), "method": "POST", "route": "/r", "fingerprint": "f" * 64}
    return IdempotencyKey(user=UserFactory(), created_at=now, expires_at=now + timedelta(hours=72), **columns | fields)


def build_api_key(**fields):
    columns = {"digest": uuid4().hex, "token_key": "abcd", "name": "shop", "last_four": "abcd"}
    return ApiKey(user=UserFactory(), created=timezone.now(), **columns | fields)


@pytest.mark.parametrize(("rule", "wrong", "right"), KEY_VIOLATIONS)
def test_idempotency_key_against_a_constraint_is_refused(rule, wrong, right):
    row = build_key()

    with refused_by(rule):
        insert(row, **wrong)

    insert(row, **right)


def test_idempotency_key_used_twice_by_one_user_is_refused():
    first = build_key()
    insert(first)

    with refused_by("idempotency_idempotencykey_once"):
        insert(build_key(key=first.key), user_id=first.user_id)

    insert(build_key(key=first.key))


def test_api_key_without_a_name_is_refused():
    with refused_by("api_keys_apikey_has_name"):
        insert(build_api_key(), name="")

    insert(build_api_key())


def test_api_key_with_the_digest_of_another_is_refused():
    first = build_api_key()
    insert(first)

    with refused_by("api_keys_digest_key"):
        insert(build_api_key(), digest=first.digest)


def test_every_rule_of_the_kernels_tables_is_planted_here():
    tables = [model._meta.db_table for model in (ApiKey, IdempotencyKey, Heartbeat)]
    constraints = execute(
        "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u') AND conrelid = ANY(%s::regclass[])", [tables]
    )
    indexes = execute(
        "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE indisunique AND NOT indisprimary AND indrelid = ANY(%s::regclass[])",
        [tables],
    )

    planted = {rule for rule, _, _ in KEY_VIOLATIONS}
    alone = {"idempotency_idempotencykey_once", "api_keys_apikey_has_name", "api_keys_digest_key"}
    assert {name for (name,) in constraints + indexes} == planted | alone
