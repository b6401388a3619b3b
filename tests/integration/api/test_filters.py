from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from payments.lifecycles import PaymentState
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.integration.api.clients import BILLING, PAYMENTS, field_codes, read

pytestmark = pytest.mark.django_db

TRANSACTIONS = f"{BILLING}/transactions"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _references(answer):
    assert answer.status_code == 200
    return [row["reference"] for row in read(answer)["results"]]


def test_payments_by_state(api):
    PaymentFactory(user=api.user)
    completed = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)

    assert _references(api.get(PAYMENTS, state="completed")) == [completed.reference]
    assert _references(api.get(PAYMENTS, state="refunded")) == []


@pytest.mark.parametrize(
    ("bounds", "hours"),
    [
        ({"created_after": "2026-11-21T12:00:00Z"}, [1, 0]),
        ({"created_after": "2026-11-21T13:00:00+01:00"}, [1, 0]),
        ({"created_after": "2026-11-21T12:00:00"}, [1, 0]),
        ({"created_before": "2026-11-21T12:00:00Z"}, [-1]),
        ({"created_after": "2026-11-21T11:00:00Z", "created_before": "2026-11-21T12:00:01Z"}, [0, -1]),
        ({"created_after": "2026-11-21T12:00:01Z", "created_before": "2026-11-21T12:00:01Z"}, []),
    ],
)
def test_payments_by_period_begin_with_the_first_moment_and_end_before_the_last(api, bounds, hours):
    references = {
        hour: PaymentFactory(user=api.user, created_at=NOON + timedelta(hours=hour)).reference for hour in (-1, 0, 1)
    }

    assert _references(api.get(PAYMENTS, **bounds)) == [references[hour] for hour in hours]


def test_transactions_by_type_reference_and_period(api):
    payment = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    adjusted = post(api.user, amount=Decimal(1))
    later = (timezone.now() + timedelta(minutes=1)).isoformat()

    assert _references(api.get(TRANSACTIONS, type="credit")) == [payment.reference]
    assert _references(api.get(TRANSACTIONS, reference=adjusted.reference)) == [adjusted.reference]
    assert _references(api.get(TRANSACTIONS, created_after=later)) == []
    assert _references(api.get(TRANSACTIONS, created_before=later)) == [adjusted.reference, payment.reference]


def test_a_filter_by_reference_finds_nothing_of_another_user(api, other_api):
    entry = post(other_api.user)

    assert _references(api.get(TRANSACTIONS, reference=entry.reference)) == []


def test_a_filter_stays_on_the_next_page(api):
    PaymentFactory.create_batch(2, user=api.user)
    completed = [PaymentFactory(user=api.user, at=PaymentState.COMPLETED).reference for _ in range(2)]
    first = read(api.get(PAYMENTS, state="completed", page_size=1))

    second = read(api.get(first["next"]))

    assert [row["reference"] for page in (first, second) for row in page["results"]] == completed[::-1]
    assert second["next"] is None


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"user": "1"}, [("user", "unknown_field")]),
        ({"user_id": "1"}, [("user_id", "unknown_field")]),
        ({"user__username": "ada"}, [("user__username", "unknown_field")]),
        ({"stat": "completed"}, [("stat", "unknown_field")]),
        ({"created_after": "yesterday"}, [("created_after", "invalid")]),
        ({"created_after": ""}, [("created_after", "invalid")]),
        ({"created_before": "\x00"}, [("created_before", "null_characters_not_allowed")]),
        ({"created_before": "9999-12-31T23:59:59-23:59"}, [("created_before", "overflow")]),
        ({"created_before": ["2026-11-21T12:00:00Z"] * 2}, [("created_before", "repeated")]),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused(api, path, query, errors):
    answer = api.get(path, **query)

    assert field_codes(answer) == errors


@pytest.mark.parametrize(
    ("path", "query", "errors"),
    [
        (PAYMENTS, {"state": "paid"}, [("state", "invalid_choice")]),
        (PAYMENTS, {"type": "credit"}, [("type", "unknown_field")]),
        (TRANSACTIONS, {"type": "gift"}, [("type", "invalid_choice")]),
        (TRANSACTIONS, {"reference": "\x00"}, [("reference", "null_characters_not_allowed")]),
        (TRANSACTIONS, {"reference": "x" * 65}, [("reference", "max_length")]),
        (TRANSACTIONS, {"entry_type": "credit"}, [("entry_type", "unknown_field")]),
    ],
)
def test_a_filter_of_one_list_that_cannot_be_used_is_refused(api, path, query, errors):
    assert field_codes(api.get(path, **query)) == errors
