import json
from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.idempotency import claims, purging, tasks
from namaskah.idempotency.claims import IdempotencyKeyExpiredError
from namaskah.idempotency.models import IdempotencyKey
from tests.factories.commands import run
from tests.factories.users import UserFactory
from tests.integration import actors
from tests.unit.namaskah.idempotency.claiming import Claimer

pytestmark = pytest.mark.django_db(transaction=True)

PURGE = "purge_idempotency_keys"


def answer_one(*, days_ago):
    """Finish a request with a key that was first used so long ago; return what claims the key again."""
    claimer = Claimer(UserFactory())
    claim = claimer(now=timezone.now() - timedelta(days=days_ago))
    claims.finish_key(claim, status=201, content_type="application/json", body=b'{"reference": "nmk-1"}')
    return claimer


def bodies():
    return [row.response_body and bytes(row.response_body) for row in IdempotencyKey.objects.order_by("created_at")]


def test_purge_removes_the_answers_of_expired_keys_and_keeps_the_others():
    answer_one(days_ago=4)
    answer_one(days_ago=2)

    stdout, _ = run(PURGE)

    assert stdout == ["Purged 1 expired answer."]
    assert bodies() == [None, b'{"reference": "nmk-1"}']
    assert list(IdempotencyKey.objects.values_list("recovery_point", "response_status")) == [("finished", 201)] * 2


def test_purge_leaves_the_key_known():
    claim_again = answer_one(days_ago=4)

    run(PURGE)

    with pytest.raises(IdempotencyKeyExpiredError):
        claim_again()


def test_purge_again_has_nothing_to_do():
    answer_one(days_ago=4)
    run(PURGE)

    stdout, _ = run(PURGE)

    assert stdout == ["Purged 0 expired answers."]


def test_purge_dry_run_counts_and_changes_nothing():
    answer_one(days_ago=4)

    stdout, _ = run(PURGE, "--dry-run")

    assert stdout == ["Would purge 1 expired answer."]
    assert bodies() == [b'{"reference": "nmk-1"}']


def test_purge_json():
    answer_one(days_ago=4)

    stdout, _ = run(PURGE, "--json")

    assert [json.loads(line) for line in stdout] == [{"purged": 1, "dry_run": False}]


def test_purge_goes_on_where_another_one_works(monkeypatch):
    monkeypatch.setattr(purging, "_BATCH", 1)
    for _ in range(3):
        answer_one(days_ago=4)
    first = purging.purge_answers(now=timezone.now())
    next(first)

    (others,) = actors.run_together([lambda: sum(purging.purge_answers(now=timezone.now()))])

    assert (others, list(first)) == (2, [])
    assert bodies() == [None] * 3


def test_purge_is_what_the_task_does():
    answer_one(days_ago=4)

    tasks.purge_answers()

    assert bodies() == [None]
