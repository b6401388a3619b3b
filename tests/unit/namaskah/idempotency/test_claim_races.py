"""Keys under many requests at once, and under requests that die: with real transactions."""

import os
import signal
import subprocess
import sys
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from namaskah.idempotency.claims import (
    KeyClaim,
    RequestInProgressError,
    StoredAnswer,
    finish_key,
    release_key,
)
from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint
from tests.factories.users import UserFactory
from tests.integration.actors import PATIENCE_SECONDS, run_together, start, wait_until_blocked
from tests.processes.product import database_url
from tests.unit.namaskah.idempotency.steps import LEASE_SECONDS, claim, claiming, read, stay_silent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(transactional_db):
    return UserFactory()


@pytest.fixture
def key():
    return uuid4()


def _kinds(outcomes):
    return {kind: sum(isinstance(outcome, kind) for outcome in outcomes) for kind in map(type, outcomes)}


def test_sixteen_requests_with_one_new_key_are_one_claim(user, key):
    outcomes = run_together([claiming(user, key)] * 16)

    assert _kinds(outcomes) == {KeyClaim: 1, RequestInProgressError: 15}
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, KeyClaim)]
    assert read(key).owner_token == winner.owner_token


def test_eight_requests_after_the_lease_have_one_winner(user, key):
    old = claim(user, key)
    stay_silent(key, seconds=LEASE_SECONDS + 1)

    outcomes = run_together([claiming(user, key)] * 8)

    assert _kinds(outcomes) == {KeyClaim: 1, RequestInProgressError: 7}
    assert read(key).owner_token != old.owner_token


def test_eight_requests_after_a_release_have_one_winner(user, key):
    release_key(claim(user, key))

    outcomes = run_together([claiming(user, key)] * 8)

    assert _kinds(outcomes) == {KeyClaim: 1, RequestInProgressError: 7}


def test_eight_requests_after_the_end_all_have_the_answer_and_are_all_counted(user, key):
    finish_key(claim(user, key), status=201, content_type="application/json", body=b"{}")

    outcomes = run_together([claiming(user, key)] * 8)

    assert _kinds(outcomes) == {StoredAnswer: 8}
    assert read(key).replays == 8


def test_an_owner_that_was_overtaken_can_write_nothing_any_more(user, key):
    old = claim(user, key)
    stay_silent(key, seconds=LEASE_SECONDS + 1)
    new = claim(user, key)

    with pytest.raises(RequestInProgressError):
        old.advance(RecoveryPoint.GATEWAY_CALLED, resource="old")
    with pytest.raises(RequestInProgressError):
        finish_key(old, status=201, content_type="text/plain", body=b"old")
    release_key(old)

    row = read(key)
    assert (row.recovery_point, row.resource, row.owner_token) == (RecoveryPoint.STARTED, "", new.owner_token)


def test_an_owner_that_was_overtaken_takes_its_other_writes_back(user, key):
    old = claim(user, key)
    stay_silent(key, seconds=LEASE_SECONDS + 1)
    claim(user, key)

    with pytest.raises(RequestInProgressError):
        _write_and_advance(old)

    assert not type(user).objects.filter(username="written-too-late").exists()


@transaction.atomic
def _write_and_advance(held):
    UserFactory(username="written-too-late")
    held.advance(RecoveryPoint.PAYMENT_CREATED)


def test_a_key_that_is_purged_while_a_request_waits_for_it_is_made_anew(user, key):
    release_key(claim(user, key))
    with transaction.atomic():
        IdempotencyKey.objects.select_for_update(no_key=True).get()
        waiting = start(claiming(user, key))
        wait_until_blocked()
        IdempotencyKey.objects.all().delete()

    taken = waiting.result(PATIENCE_SECONDS)

    assert isinstance(taken, KeyClaim)
    assert read(key).owner_token == taken.owner_token


def test_a_lease_is_judged_by_the_clock_of_the_database(user, key):
    claim(user, key)

    # A web machine whose clock is hours ahead must not take the key from a request that runs.
    with pytest.raises(RequestInProgressError):
        claim(user, key, hours=12)


def test_claim_key_refuses_to_work_inside_a_transaction(user, key):
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        claim(user, key)


def test_a_process_killed_in_the_middle_neither_loses_nor_blocks_the_key(user, key):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.namaskah.idempotency.dying_request", str(user.pk), str(key)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"payment created\n"
        process.send_signal(signal.SIGKILL)

    with pytest.raises(RequestInProgressError):
        claim(user, key)
    stay_silent(key, seconds=LEASE_SECONDS + 1)
    taken = claim(user, key)

    assert isinstance(taken, KeyClaim)
    assert (read(key).recovery_point, read(key).resource) == (RecoveryPoint.PAYMENT_CREATED, "nmk-25")


@pytest.mark.parametrize(
    "change",
    [
        {"recovery_point": "lost"},
        {"recovery_point": RecoveryPoint.FINISHED},
        {"response_status": 201},
        {"owner_token": None},
        {"locked_at": None},
    ],
)
def test_the_database_refuses_a_key_that_makes_no_sense(user, key, change):
    claim(user, key)

    with pytest.raises(IntegrityError, match="idempotency_idempotencykey_"):
        IdempotencyKey.objects.update(**change)


def test_the_database_keeps_one_row_per_user_and_key(user, key):
    claim(user, key)
    IdempotencyKey.objects.bulk_create(
        [IdempotencyKey(user=user, key=key, created_at=read(key).created_at, expires_at=read(key).expires_at)],
        ignore_conflicts=True,
    )

    assert IdempotencyKey.objects.count() == 1
