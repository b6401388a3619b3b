from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.idempotency.claims import (
    IdempotencyKeyExpiredError,
    IdempotencyKeyReusedError,
    KeyClaim,
    RequestInProgressError,
    StoredAnswer,
    find_expiry,
    finish_key,
    release_key,
)
from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint
from tests.factories.users import UserFactory
from tests.unit.namaskah.idempotency.steps import BODY, LEASE_SECONDS, ROUTE, claim, read, stay_silent

pytestmark = pytest.mark.django_db

ANSWER = {"status": 201, "content_type": "application/json", "body": b'{"a": "\xc3\xa9"}\n'}


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def key():
    return uuid4()


def _is_started(row):
    return (row.recovery_point, row.response_status, row.replays) == (RecoveryPoint.STARTED, None, 0)


def test_claim_key_of_a_new_key_holds_it_for_72_hours(user, key):
    before = timezone.now()

    held = claim(user, key)

    row = read(key)
    assert isinstance(held, KeyClaim)
    assert (held.row_id, held.user_id, held.key, held.owner_token) == (row.pk, user.pk, key, row.owner_token)
    assert _is_started(row)
    assert before + timedelta(hours=72) <= held.expires_at == row.expires_at <= timezone.now() + timedelta(hours=72)
    assert str(row) == f"{key} (started)"


def test_claim_key_while_the_first_request_runs_is_in_progress(user, key):
    claim(user, key)
    stay_silent(key, seconds=LEASE_SECONDS - 5)

    with pytest.raises(RequestInProgressError, match="still running"):
        claim(user, key)


def test_claim_key_after_a_release_is_held_again(user, key):
    first = claim(user, key)
    release_key(first)

    second = claim(user, key)

    assert isinstance(second, KeyClaim)
    assert second.owner_token != first.owner_token
    assert second.expires_at == first.expires_at


def test_claim_key_after_the_end_gives_the_answer_byte_for_byte(user, key):
    held = claim(user, key)
    finish_key(held, **ANSWER)

    answer = claim(user, key)

    assert answer == StoredAnswer(*ANSWER.values(), held.expires_at)
    assert read(key).replays == 1


@pytest.mark.parametrize("count", [3])
def test_claim_key_counts_every_replay(user, key, count):
    finish_key(claim(user, key), **ANSWER)

    for _ in range(count):
        claim(user, key)

    assert read(key).replays == count


def test_claim_key_gives_a_refusal_of_the_gateway_again_too(user, key):
    finish_key(claim(user, key), status=502, content_type="application/problem+json", body=b"no")

    answer = claim(user, key)

    assert (answer.status, answer.content_type, answer.body) == (502, "application/problem+json", b"no")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({**BODY, "amount_usd": Decimal("26.00")}, ["amount_usd"]),
        ({**BODY, "currency": "GHS", "channels": ["card"]}, ["channels", "currency"]),
        ({"amount_usd": BODY["amount_usd"]}, ["currency"]),
    ],
)
@pytest.mark.parametrize("is_finished", [True, False])
def test_claim_key_with_another_body_names_the_fields_that_differ(user, key, body, fields, is_finished):
    held = claim(user, key)
    if is_finished:
        finish_key(held, **ANSWER)

    with pytest.raises(IdempotencyKeyReusedError, match="another body") as refusal:
        claim(user, key, body=body)

    assert [error["field"] for error in refusal.value.errors] == fields
    assert {error["code"] for error in refusal.value.errors} == {"differs"}


@pytest.mark.parametrize(("changed", "value"), [("route", "/api/v1/billing/debits"), ("method", "PUT")])
def test_claim_key_for_another_address_names_the_first(user, key, changed, value):
    claim(user, key)

    with pytest.raises(IdempotencyKeyReusedError, match=f"POST {ROUTE}") as refusal:
        claim(user, key, **{changed: value})

    assert refusal.value.errors == []


def test_claim_key_of_another_users_key_is_independent(user, key):
    finish_key(claim(user, key), **ANSWER)

    other = claim(UserFactory(), key, body={**BODY, "amount_usd": Decimal("26.00")})

    assert isinstance(other, KeyClaim)
    assert IdempotencyKey.objects.filter(key=key).count() == 2


@pytest.mark.parametrize("written", ["25", "25.0", "25.0000"])
def test_claim_key_with_the_same_amount_written_otherwise_is_the_same_request(user, key, written):
    finish_key(claim(user, key), **ANSWER)

    assert isinstance(claim(user, key, body={**BODY, "amount_usd": Decimal(written)}), StoredAnswer)


def test_claim_key_after_its_expiry_names_what_it_made(user, key):
    held = claim(user, key)
    held.advance(RecoveryPoint.PAYMENT_CREATED, resource="nmk-25")
    finish_key(held, **ANSWER)

    with pytest.raises(IdempotencyKeyExpiredError, match="nmk-25"):
        claim(user, key, hours=72)


def test_claim_key_after_its_body_was_purged_is_expired_all_the_same(user, key):
    finish_key(claim(user, key), **ANSWER)
    IdempotencyKey.objects.update(response_body=None)

    with pytest.raises(IdempotencyKeyExpiredError):
        claim(user, key, hours=72)


def test_claim_key_just_before_its_expiry_still_gives_the_answer(user, key):
    finish_key(claim(user, key), **ANSWER)

    assert isinstance(claim(user, key, hours=71), StoredAnswer)


def test_claim_key_after_its_expiry_begins_anew_if_it_made_nothing(user, key):
    release_key(claim(user, key))

    again = claim(user, key, hours=72)

    assert isinstance(again, KeyClaim)
    assert again.expires_at > timezone.now() + timedelta(hours=143)


def test_claim_key_for_a_long_address_is_the_same_request_again(user, key):
    route = "/api/v1/billing/debits/" + "r" * 300 + "/reverse"
    finish_key(claim(user, key, route=route), **ANSWER)

    assert isinstance(claim(user, key, route=route), StoredAnswer)
    with pytest.raises(IdempotencyKeyReusedError):
        claim(user, key, route=route + "x")


def test_advance_notes_how_far_the_work_came_and_renews_the_lease(user, key):
    held = claim(user, key)
    stay_silent(key, seconds=LEASE_SECONDS - 5)
    silent_since = read(key).locked_at

    held.advance(RecoveryPoint.PAYMENT_CREATED, resource="nmk-25")

    row = read(key)
    assert (row.recovery_point, row.resource) == (RecoveryPoint.PAYMENT_CREATED, "nmk-25")
    assert row.locked_at > silent_since


def test_advance_without_a_resource_keeps_the_one_before(user, key):
    held = claim(user, key)
    held.advance(RecoveryPoint.PAYMENT_CREATED, resource="nmk-25")

    held.advance(RecoveryPoint.GATEWAY_CALLED)

    row = read(key)
    assert (row.recovery_point, row.resource) == (RecoveryPoint.GATEWAY_CALLED, "nmk-25")


@pytest.mark.parametrize("end", [release_key, lambda held: finish_key(held, **ANSWER)])
def test_advance_after_the_end_is_refused(user, key, end):
    held = claim(user, key)
    end(held)

    with pytest.raises(RequestInProgressError, match="taken over"):
        held.advance(RecoveryPoint.GATEWAY_CALLED)


def test_finish_key_stores_the_answer_and_lets_go(user, key):
    finish_key(claim(user, key), **ANSWER)

    row = read(key)
    assert (row.recovery_point, row.owner_token, row.locked_at) == (RecoveryPoint.FINISHED, None, None)
    assert (row.response_status, row.response_content_type, bytes(row.response_body)) == tuple(ANSWER.values())


def test_finish_key_twice_keeps_the_first_answer(user, key):
    held = claim(user, key)
    finish_key(held, **ANSWER)

    with pytest.raises(RequestInProgressError, match="taken over"):
        finish_key(held, status=500, content_type="text/plain", body=b"other")

    assert read(key).response_status == 201


def test_release_key_keeps_how_far_the_work_came(user, key):
    held = claim(user, key)
    held.advance(RecoveryPoint.PAYMENT_CREATED, resource="nmk-25")

    release_key(held)

    row = read(key)
    assert (row.owner_token, row.locked_at) == (None, None)
    assert (row.recovery_point, row.resource) == (RecoveryPoint.PAYMENT_CREATED, "nmk-25")


def test_find_expiry_is_the_users_own(user, key):
    held = claim(user, key)

    assert find_expiry(user=user, key=key) == held.expires_at
    assert find_expiry(user=UserFactory(), key=key) is None
