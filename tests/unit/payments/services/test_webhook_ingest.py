import json
import re
import time
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.services import webhook_ingest
from payments.services.webhook_ingest import MalformedEventError, Reading, ReferenceMissingError
from tests.events import charge_success
from tests.integration import actors
from tests.unit.payments.webhooks import samples
from tests.unit.payments.webhooks.odd_bodies import MALFORMED, ODD_BODIES, REFERENCE

BODY = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(
    ["charge.success", "charge.failed", "refund.processed", "charge.dispute.create", "test", "live"]
)
events = st.fixed_dictionaries(
    {},
    optional={
        "event": words | json_values,
        "data": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("id", "reference", "domain", "transaction", "transaction_reference", "metadata"), words | json_values
            ),
        )
        | json_values,
    },
)
any_bytes = (
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | events.map(lambda event: json.dumps(event).encode())
)


def read(event_type, **data):
    return webhook_ingest.read_event(json.dumps({"event": event_type, "data": data}).encode())


def fits_the_grammar(reading):
    return (
        reading.status in EventStatus
        and re.fullmatch(r"[a-z_.-]{0,64}", reading.event_type) is not None
        and re.fullmatch(r"[A-Za-z0-9.=_-]{0,100}", reading.reference) is not None
        and type(reading.object_id) is int
        and 0 <= reading.object_id < 2**63
    )


@given(any_bytes)
@example(b"\x00")
@example(b'{"event": "a", "data": {"id": 1e400}}')
def test_read_event_fails_for_no_bytes(raw):
    assert fits_the_grammar(webhook_ingest.read_event(raw)) is True


@pytest.mark.django_db
@given(any_bytes)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ingest_stores_any_bytes_as_they_are(raw):
    try:
        webhook_ingest.ingest(raw)
    except (MalformedEventError, ReferenceMissingError) as refusal:
        error_class = refusal.code
    else:
        error_class = None

    event = WebhookEvent.objects.get(body=raw)
    assert bytes(event.body) == raw
    assert error_class in {None, event.error_class}


@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda odd: odd.name)
def test_read_event_odd_body(odd):
    reading = webhook_ingest.read_event(odd.raw)

    assert (reading.status, reading.error_class) == (odd.status, odd.error_class)
    assert fits_the_grammar(reading) is True


def test_read_event_charge():
    assert webhook_ingest.read_event(BODY) == Reading(
        status=EventStatus.RECEIVED, event_type="charge.success", object_id=302_961, reference=REFERENCE
    )


def test_read_event_charge_failed_is_due_too():
    assert read("charge.failed", reference=REFERENCE, domain="test").status == EventStatus.RECEIVED


@pytest.mark.parametrize(
    ("given_id", "object_id"),
    [
        (1, 1),
        (2**63 - 1, 2**63 - 1),
        ("5873310462", 5_873_310_462),
        (str(2**63 - 1), 2**63 - 1),
        ("007", 7),
        (0, 0),
        (-1, 0),
        (2**63, 0),
        (str(2**63), 0),
        ("9" * 20, 0),
        (True, 0),
        (1.0, 0),
        (1.5, 0),
        ("1.0", 0),
        (" 1", 0),
        ("1\n", 0),
        ("\u0661", 0),
        ("", 0),
        (None, 0),
        ([1], 0),
    ],
)
def test_read_event_object_id(given_id, object_id):
    assert read("charge.success", reference=REFERENCE, id=given_id).object_id == object_id


@pytest.mark.parametrize(
    ("event_type", "data", "reference"),
    [
        ("charge.success", {"reference": REFERENCE}, REFERENCE),
        ("refund.processed", {"transaction_reference": REFERENCE, "reference": "another"}, REFERENCE),
        ("refund.processed", {"reference": REFERENCE}, ""),
        ("charge.dispute.create", {"transaction": {"reference": REFERENCE}, "reference": "another"}, REFERENCE),
        ("charge.dispute.create", {"transaction": REFERENCE}, ""),
        ("charge.dispute.create", {"transaction": None}, ""),
        ("charge.success", {"reference": "A.b=c_d-9"}, "A.b=c_d-9"),
        ("charge.success", {"reference": "a" * 100}, "a" * 100),
    ],
)
def test_read_event_finds_the_reference_where_its_type_has_it(event_type, data, reference):
    assert read(event_type, **data).reference == reference


@pytest.mark.parametrize(
    ("name", "object_id"),
    [("charge.success", 5_873_310_462), ("charge.dispute.create", 4_471_902), ("refund.processed", 0)],
)
def test_read_event_documented_sample(name, object_id):
    reading = webhook_ingest.read_event(samples.load(name))

    assert (reading.event_type, reading.object_id) == (name, object_id)
    assert reading.reference == "crd-20261104-7Q2M9XK4"


def test_read_event_live_event_under_a_live_key(settings):
    settings.PAYSTACK_SECRET_KEY = "sk_live_0123456789"

    assert read("charge.success", reference=REFERENCE, domain="live").status == EventStatus.RECEIVED
    assert read("charge.success", reference=REFERENCE, domain="test").error_class == "wrong_domain"


@pytest.mark.django_db
def test_ingest_new_event_is_due_at_once():
    is_due = webhook_ingest.ingest(BODY)

    event = WebhookEvent.objects.get()
    assert is_due is True
    assert (event.status, event.attempts, event.deliveries) == ("received", 0, 1)
    assert (event.event_type, event.object_id, event.reference) == ("charge.success", 302_961, REFERENCE)
    assert bytes(event.body) == BODY
    assert event.next_attempt_at == event.received_at == event.last_delivered_at
    assert abs(timezone.now() - event.received_at) < timedelta(minutes=1)


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda odd: odd.name)
def test_ingest_keeps_odd_bodies_byte_for_byte(odd):
    refusal = None
    try:
        is_due = webhook_ingest.ingest(odd.raw)
    except (MalformedEventError, ReferenceMissingError) as error:
        refusal, is_due = error.code, False

    event = WebhookEvent.objects.get()
    assert bytes(event.body) == odd.raw
    assert (event.status, event.error_class) == (odd.status, odd.error_class)
    assert refusal == (odd.error_class if odd.is_refused else None)
    assert is_due is (odd.status == EventStatus.RECEIVED)
    assert (event.next_attempt_at is not None) is is_due


@pytest.mark.django_db
def test_ingest_same_bytes_again_counts_a_delivery():
    webhook_ingest.ingest(BODY)
    first = WebhookEvent.objects.get()

    assert webhook_ingest.ingest(BODY) is True

    event = WebhookEvent.objects.get()
    assert (event.pk, event.deliveries, event.attempts) == (first.pk, 2, 0)


@pytest.mark.django_db
def test_ingest_malformed_again_is_refused_again_and_kept_once():
    for _ in range(2):
        with pytest.raises(MalformedEventError) as refusal:
            webhook_ingest.ingest(b"[]")

    assert refusal.value.code == MALFORMED
    assert WebhookEvent.objects.get().deliveries == 2


@pytest.mark.django_db
def test_ingest_same_charge_written_another_way_is_another_event():
    webhook_ingest.ingest(BODY)

    webhook_ingest.ingest(BODY + b"\n")

    assert WebhookEvent.objects.count() == 2


@pytest.mark.django_db
def test_ingest_takes_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        webhook_ingest.ingest(BODY)


@pytest.mark.django_db(transaction=True)
def test_ingest_of_sixteen_threads_stores_once_and_counts_every_delivery():
    results = actors.run_together([partial(webhook_ingest.ingest, BODY)] * 16)

    assert results == [True] * 16
    assert WebhookEvent.objects.get().deliveries == 16


@pytest.mark.django_db(transaction=True)
def test_ingest_duplicate_of_a_row_that_another_transaction_holds_is_not_delayed():
    webhook_ingest.ingest(BODY)

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get()
        seconds = actors.start(_time_ingest).result(actors.PATIENCE_SECONDS)

    assert seconds < 0.5
    assert WebhookEvent.objects.get().deliveries == 1


def _time_ingest():
    started = time.monotonic()
    webhook_ingest.ingest(BODY)
    return time.monotonic() - started


@pytest.mark.django_db(transaction=True)
def test_ingest_duplicate_of_a_row_that_is_free_soon_is_counted(monkeypatch):
    monkeypatch.setattr(webhook_ingest, "_COUNT_WAIT_MILLISECONDS", 10_000)
    webhook_ingest.ingest(BODY)

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get()
        duplicate = actors.start(_ingest_and_show_lock_timeout)
        actors.wait_until_blocked()

    # What it waited with was for this wait alone.
    assert duplicate.result(actors.PATIENCE_SECONDS) == django_settings.DATABASE_TIMEOUTS["lock_timeout"]
    assert WebhookEvent.objects.get().deliveries == 2


def _ingest_and_show_lock_timeout():
    webhook_ingest.ingest(BODY)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]
