from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent
from payments.services import inbox
from payments.services.inbox import Failure
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.integration import actors
from tests.unit.payments.services.queue_clock import make_due, seconds_until_due

# Postgres's now() is the beginning of the test's transaction, which is before the factory's.
A_MINUTE_AGO = timezone.now() - timedelta(minutes=1)
FAILURE = Failure(error_class="SomeError", error="it did not work")


def store(count=1, **columns):
    return WebhookEventFactory.create_batch(count, **{"received_at": A_MINUTE_AGO, **columns})


def claim():
    """Claim as a drain does: fresh charges together, or one of the others."""
    return inbox.claim_charges() or [event for event in [inbox.claim_other()] if event]


@pytest.mark.django_db
def test_claim_charges_leaves_what_must_be_claimed_alone():
    [fresh] = store()
    store(attempts=1, status="retrying")
    store(event_type="charge.failed")

    assert inbox.claim_charges() == [fresh]
    assert inbox.claim_charges() == []


@pytest.mark.django_db
def test_claim_other_takes_one_of_the_rest():
    store()
    rest = [*store(attempts=1, status="retrying"), *store(event_type="charge.failed")]

    claimed = [inbox.claim_other(), inbox.claim_other()]

    assert {event.pk for event in claimed} == {event.pk for event in rest}
    assert inbox.claim_other() is None


@pytest.mark.django_db
def test_claim_takes_an_attempt_and_a_lease_of_thirty_seconds():
    [stored] = store()

    [event] = claim()

    assert (event.pk, event.attempts, event.status) == (stored.pk, 1, "received")
    assert bytes(event.body) == stored.body
    assert seconds_until_due(event) == 30
    assert claim() == []


@pytest.mark.django_db
def test_claim_takes_only_what_is_due():
    now = timezone.now()
    store(next_attempt_at=now + timedelta(minutes=1))
    for status in set(EventStatus) - {EventStatus.RECEIVED, EventStatus.RETRYING}:
        store(status=status, processed_at=now)
    due = [event for status in (EventStatus.RECEIVED, EventStatus.RETRYING) for event in store(status=status)]

    assert claim() == due


@pytest.mark.django_db
def test_claim_takes_the_longest_due_first_and_returns_them_as_received():
    now = timezone.now()
    events = [
        WebhookEventFactory(received_at=now - timedelta(minutes=received), next_attempt_at=now - timedelta(minutes=due))
        for received, due in [(3, 1), (2, 2), (1, 3)]
    ]

    assert inbox.claim_charges(limit=2) == [events[1], events[2]]


@pytest.mark.django_db
def test_claim_never_takes_more_than_the_limit_whatever_the_plan():
    store(10)
    with connection.cursor() as cursor:
        # With these off Postgres joins by loops, and would run a subquery again for every row.
        for method in ("hashagg", "hashjoin", "mergejoin", "sort", "material"):
            cursor.execute(f"SET LOCAL enable_{method} = off")

    assert len(inbox.claim_charges(limit=3)) == 3


@pytest.mark.django_db(transaction=True)
def test_claim_of_eight_workers_gives_no_event_to_two():
    store(40)

    claims = actors.run_together([lambda: inbox.claim_charges(limit=10)] * 8)
    claims.append(claim())

    claimed = [event.pk for claim in claims for event in claim]
    assert len(claimed) == len(set(claimed)) == 40
    assert set(WebhookEvent.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_claim_does_not_wait_for_an_event_that_another_transaction_holds():
    held, free = store(2)

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get(pk=held.pk)
        claimed = actors.start(inbox.claim_charges).result(1)

    assert claimed == [free]


@pytest.mark.django_db
def test_claim_of_an_event_whose_worker_died_comes_back():
    store()
    claim()

    make_due()

    assert [event.attempts for event in claim()] == [2]


@pytest.mark.django_db
def test_postpone_costs_no_attempt():
    store(2)
    events = claim()

    inbox.postpone(events)

    assert list(WebhookEvent.objects.values_list("attempts", "status")) == [(0, "received")] * 2
    assert [seconds_until_due(event) for event in WebhookEvent.objects.all()] == [0.5, 0.5]
    assert not WebhookAttempt.objects.exists()


@pytest.mark.django_db
def test_schedule_retry_after_one_two_and_four_seconds():
    store()
    waits = []
    for _ in range(3):
        [event] = claim()
        inbox.schedule_retry(event, FAILURE)
        waits.append(seconds_until_due(WebhookEvent.objects.get()))
        make_due()

    event = WebhookEvent.objects.get()
    assert waits == [1, 2, 4]
    assert (event.status, event.error_class, event.error) == ("retrying", "SomeError", "it did not work")


@pytest.mark.django_db
def test_schedule_retry_waits_as_configured(settings):
    settings.WEBHOOK_RETRY_SECONDS = [0.25]
    store()
    [event] = claim()

    inbox.schedule_retry(event, FAILURE)

    assert seconds_until_due(WebhookEvent.objects.get()) == 0.25
    assert inbox.has_attempts_left(event) is True
    make_due()
    assert inbox.has_attempts_left(claim()[0]) is False


@pytest.mark.django_db
def test_schedule_retry_writes_the_attempt_down():
    store()
    [event] = claim()

    inbox.schedule_retry(event, FAILURE)

    attempt = WebhookAttempt.objects.get()
    assert (attempt.event, attempt.number, attempt.outcome, attempt.trigger) == (event, 1, "retrying", "worker")
    assert (attempt.error_class, attempt.error) == ("SomeError", "it did not work")
    assert attempt.started_at == event.next_attempt_at - timedelta(seconds=30)
    assert attempt.finished_at >= attempt.started_at


@pytest.mark.django_db
def test_dead_letter_leaves_the_queue_with_its_body():
    [stored] = store()
    [event] = claim()

    inbox.dead_letter(event, FAILURE)

    dead = WebhookEvent.objects.get()
    assert (dead.status, dead.next_attempt_at, dead.error_class) == ("dead", None, "SomeError")
    assert bytes(dead.body) == stored.body
    assert WebhookAttempt.objects.get().outcome == "dead"
    assert claim() == []


@pytest.mark.django_db
def test_mark_processed_leaves_the_queue():
    payment = PaymentFactory()
    store(2)
    first, second = claim()
    inbox.schedule_retry(first, FAILURE)

    inbox.mark_processed([(first, payment.pk), (second, None)])

    rows = WebhookEvent.objects.order_by("pk").values_list("status", "next_attempt_at", "error_class", "payment_id")
    assert set(rows) == {("processed", None, "", payment.pk), ("processed", None, "", None)}
    assert WebhookEvent.objects.filter(processed_at__isnull=True).count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("too_late", [inbox.schedule_retry, inbox.dead_letter])
def test_worker_that_outlived_its_lease_does_not_undo_what_another_finished(too_late):
    store()
    [event] = claim()
    make_due()
    [claimed_again] = claim()
    inbox.mark_processed([(claimed_again, None)])

    too_late(event, FAILURE)
    inbox.postpone([event])

    assert WebhookEvent.objects.values_list("status", "next_attempt_at", "attempts").get() == ("processed", None, 2)


@pytest.mark.django_db
def test_worn_out_is_an_event_claimed_once_more_than_there_are_attempts():
    store()
    seen = []
    for _ in range(5):
        [event] = claim()
        seen.append((inbox.has_attempts_left(event), inbox.is_worn_out(event)))
        make_due()

    assert seen == [(True, False), (True, False), (True, False), (False, False), (False, True)]


def test_failure_of_an_error_with_text_that_postgres_cannot_store():
    failure = Failure.of(ValueError("a\x00b\ud800" + "c" * 600))

    assert failure == Failure(error_class="ValueError", error="ab?" + "c" * 497)


@pytest.mark.django_db
def test_postpone_and_mark_processed_of_nothing_ask_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        inbox.postpone([])
        inbox.mark_processed([])
