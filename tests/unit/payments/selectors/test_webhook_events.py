from datetime import timedelta

import pytest
from django.utils import timezone

from payments.lifecycles import EventStatus
from payments.selectors.webhook_events import EventFilter, list_event_ids
from tests.factories.payments import WebhookEventFactory

pytestmark = pytest.mark.django_db

NOON = timezone.now()


@pytest.fixture
def events():
    """Two an hour apart: a dead letter about nmk-one, and a refund of nmk-two that is due."""
    first = WebhookEventFactory(received_at=NOON, reference="nmk-one", status=EventStatus.DEAD, next_attempt_at=None)
    second = WebhookEventFactory(
        received_at=NOON + timedelta(hours=1), reference="nmk-two", event_type="refund.processed"
    )
    return first.pk, second.pk


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [0, 1]),
        ({"status": "dead"}, [0]),
        ({"event_type": "refund.processed"}, [1]),
        ({"reference": "nmk-two"}, [1]),
        ({"reference": "nmk-three"}, []),
        ({"since": NOON}, [0, 1]),
        ({"since": NOON + timedelta(seconds=1)}, [1]),
        ({"until": NOON + timedelta(hours=1)}, [0]),
        ({"until": NOON}, []),
        ({"since": NOON, "status": "dead", "reference": "nmk-two"}, []),
    ],
)
def test_list_event_ids_narrows_by_all_that_is_given(events, wanted, found):
    assert list_event_ids(EventFilter(**wanted), limit=10) == [events[index] for index in found]


def test_list_event_ids_by_id(events):
    assert list_event_ids(EventFilter(ids=(events[1],)), limit=10) == [events[1]]
    assert list_event_ids(EventFilter(ids=(events[1],), status="dead"), limit=10) == []


def test_list_event_ids_takes_the_oldest_up_to_the_limit(events):
    older = WebhookEventFactory(received_at=NOON - timedelta(hours=1)).pk

    assert list_event_ids(EventFilter(), limit=2) == [older, events[0]]


def test_list_event_ids_reads_no_bodies(events, django_assert_num_queries):
    with django_assert_num_queries(1) as captured:
        list_event_ids(EventFilter(status="dead"), limit=2)

    assert "body" not in captured.captured_queries[0]["sql"]


@pytest.mark.parametrize(
    ("wanted", "is_empty"),
    [
        ({}, True),
        ({"ids": ()}, True),
        ({"status": ""}, True),
        ({"status": "dead"}, False),
        ({"since": NOON}, False),
        ({"reference": "nmk-one"}, False),
    ],
)
def test_filter_that_narrows_nothing_is_empty(wanted, is_empty):
    assert EventFilter(**wanted).is_empty is is_empty
