"""What becomes of a key whose owner ended badly."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from structlog.testing import capture_logs

from namaskah.idempotency.claims import (
    IdempotencyKeyExpiredError,
    IdempotencyKeyReusedError,
    KeyClaim,
    release_key,
)
from namaskah.idempotency.models import IdempotencyKey
from tests.dead_connections import end_own_connection
from tests.factories.users import UserFactory
from tests.unit.namaskah.idempotency.claiming import Claimer


@pytest.fixture
def claim(transactional_db):
    return Claimer(UserFactory())


def test_claim_key_after_expiry_of_an_unfinished_purchase_begins_no_second_one(claim):
    held = claim()
    with transaction.atomic():
        held.advance("payment_created", resource="nmk-1")
    release_key(held)

    with pytest.raises(IdempotencyKeyExpiredError, match="nmk-1"):
        claim(now=timezone.now() + timedelta(hours=73))


def test_claim_key_for_two_very_long_addresses_tells_them_apart(claim):
    route = "/api/v1/" + "x" * 500
    claim(route=route)

    with pytest.raises(IdempotencyKeyReusedError):
        claim(route=route + "y")


def test_release_key_whose_connection_ended_asks_on_another(claim):
    held = claim()
    end_own_connection()

    with capture_logs() as lines:
        release_key(held)

    assert lines == []
    assert isinstance(claim(), KeyClaim)


def test_release_key_with_the_database_away_leaves_it_to_the_lease(claim, monkeypatch):
    held = claim()
    connection.close()

    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setitem(connection.settings_dict, "PORT", "1")
        release_key(held)

    assert [line["event"] for line in lines] == ["idempotency_key_not_released"]
    assert IdempotencyKey.objects.get().owner_token == held.owner_token
