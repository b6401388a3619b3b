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

    assert stdout == ["Purged 1 expired key."]
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

    assert stdout == ["Purged 0 expired keys."]


def test_purge_dry_run_counts_and_changes_nothing():
    answer_one(days_ago=4)

    stdout, _ = run(PURGE, "--dry-run")

    assert stdout == ["Would purge 1 expired key."]
    assert bodies() == [b'{"reference": "nmk-1"}']


def test_purge_json():
    answer_one(days_ago=4)

    stdout, _ = run(PURGE, "--json")

    assert [json.loads(line) for line in stdout] == [{"purged": 1, "dry_run": False}]


def test_purge_goes_on_where_another_one_works(monkeypatch):
    monkeypatch.setattr(purging, "_BATCH", 1)
    for _ in range(3):
        answer_one(days_ago=4)
    first = purging.purge_keys(now=timezone.now())
    next(first)

    (others,) = actors.run_together([lambda: sum(purging.purge_keys(now=timezone.now()))])

    assert (others, list(first)) == (2, [])
    assert bodies() == [None] * 3


def test_purge_is_what_the_task_does():
    answer_one(days_ago=4)

    tasks.purge_keys()

    assert bodies() == [None]


def test_purge_by_the_task_stops_when_its_time_is_over_and_goes_on_in_the_next_run(monkeypatch):
    monkeypatch.setattr(purging, "_BATCH", 1)
    monkeypatch.setattr(tasks, "LIMIT_SECONDS", 0.0)
    for _ in range(2):
        answer_one(days_ago=4)

    tasks.purge_keys()
    after_one = bodies()
    tasks.purge_keys()

    assert (after_one.count(None), bodies()) == (1, [None, None])


def test_purge_removes_a_key_whose_request_died_a_day_ago():
    Claimer(UserFactory())(now=timezone.now() - timedelta(days=4))
    IdempotencyKey.objects.update(locked_at=timezone.now() - timedelta(days=2))

    run(PURGE)

    assert not IdempotencyKey.objects.exists()


def test_purge_by_a_clock_that_is_ahead_makes_no_second_answer():
    claim_again = answer_one(days_ago=2)
    list(purging.purge_keys(now=timezone.now() + timedelta(days=2)))

    with pytest.raises(IdempotencyKeyExpiredError):
        claim_again()


def test_purge_removes_an_expired_key_that_made_nothing():
    claimer = Claimer(UserFactory())
    claims.release_key(claimer(now=timezone.now() - timedelta(days=4)))

    run(PURGE)

    assert not IdempotencyKey.objects.exists()


def test_purge_keeps_a_key_that_made_nothing_until_it_expires():
    claims.release_key(Claimer(UserFactory())(now=timezone.now() - timedelta(days=2)))

    run(PURGE)

    assert IdempotencyKey.objects.count() == 1


def test_purge_keeps_an_expired_key_whose_request_was_cut_off_after_it_made_something():
    claim = Claimer(UserFactory())(now=timezone.now() - timedelta(days=4))
    claim.advance("payment_created", resource="nmk-1")
    claims.release_key(claim)

    run(PURGE)

    assert IdempotencyKey.objects.get().resource == "nmk-1"


def test_purge_keeps_an_expired_key_that_a_request_holds():
    Claimer(UserFactory())(now=timezone.now() - timedelta(days=4))

    run(PURGE)

    assert IdempotencyKey.objects.count() == 1
