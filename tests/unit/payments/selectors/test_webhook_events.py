from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.selectors.webhook_events import (
    EventFilter,
    EventUnknownError,
    count_for_a_person,
    get_event,
    list_attempts,
    list_error_classes,
    list_event_ids,
    search_events,
)
from tests.factories.payments import WebhookAttemptFactory, WebhookEventFactory
from tests.factories.users import UserFactory

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


@pytest.fixture
def numbered():
    """An event with a number, and another."""
    WebhookEventFactory(object_id=77)
    return WebhookEventFactory(object_id=4_099_260_516)


@pytest.mark.parametrize("column", ["reference", "object_id", "pk"])
@pytest.mark.parametrize("around", ["", " "])
def test_search_events_finds_one_by(numbered, column, around):
    term = f"{around}{getattr(numbered, column)}{around}"

    assert list(search_events(WebhookEvent.objects.all(), term)) == [numbered]


@pytest.mark.parametrize("term", ["", "nmk-", "0", "9" * 19, "9" * 5000, "٤", "é' OR 1=1 --", "-1"])
def test_search_events_takes_anything(numbered, term):
    assert list(search_events(WebhookEvent.objects.all(), term)) == []


def test_get_event_reads_no_body(numbered, django_assert_num_queries):
    with django_assert_num_queries(1):
        event = get_event(numbered.pk)

    assert event.get_deferred_fields() == {"body", "body_sha256"}
    with pytest.raises(EventUnknownError):
        get_event(uuid4())


def test_counts_and_errors_of_what_waits_for_a_person():
    assert (count_for_a_person(), list_error_classes()) == ({"dead": 0, "quarantined": 0}, [])
    aside = {"next_attempt_at": None}
    for status, error in (("dead", "A"), ("dead", "B"), ("quarantined", "A"), ("ignored", "C")):
        WebhookEventFactory(status=status, error_class=error, **aside)

    assert (count_for_a_person(), list_error_classes()) == ({"dead": 2, "quarantined": 1}, ["A", "B"])


def test_list_attempts_are_those_of_the_event_the_newest_first(django_assert_num_queries):
    event = WebhookEventFactory()
    first, second = (WebhookAttemptFactory(event=event, by=UserFactory()) for _ in range(2))
    WebhookAttemptFactory()

    with django_assert_num_queries(1):
        attempts = list(list_attempts(event))
        assert [attempt.by.pk for attempt in attempts] == [second.by_id, first.by_id]
