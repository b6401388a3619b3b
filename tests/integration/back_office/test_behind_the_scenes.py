"""The audit log, idempotency keys, heartbeats and notes."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from namaskah.audit.models import Note
from namaskah.audit.records import record_action
from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint
from namaskah.observability.models import Heartbeat
from tests.factories.users import StaffFactory, UserFactory
from tests.plans import multiply

pytestmark = pytest.mark.django_db

AUDIT = "/admin/audit/auditentry/"
KEYS = "/admin/idempotency/idempotencykey/"
BEATS = "/admin/observability/heartbeat/"
NOTES = "/admin/audit/note/"


@pytest.fixture
def auditor(staff):
    return staff("Auditor")


def subjects(client, query=""):
    return [row.subject for row in client.get(f"{AUDIT}?{query}").context["cl"].result_list if row.action != "log_in"]


def make_key(point=RecoveryPoint.STARTED, **fields):
    now = timezone.now()
    answered = {"response_status": 201} if point == RecoveryPoint.FINISHED else {}
    terms = {
        "user": UserFactory(),
        "key": uuid4(),
        "method": "POST",
        "route": "/api/v1/payments",
        "fingerprint": "f" * 64,
        "created_at": now,
        "expires_at": now + timedelta(hours=72),
    }
    return IdempotencyKey.objects.create(**terms | {"recovery_point": point} | answered | fields)


def test_the_log_is_filtered_by_action_outcome_and_person(auditor):
    grace = StaffFactory(username="grace")
    record_action(by=grace, action="wallet.adjust", subject="a")
    record_action(by=grace, action="wallet.adjust", subject="b", outcome="refused")
    record_action(by=None, action="lock_out", subject="c", outcome="refused")

    assert subjects(auditor) == ["c", "b", "a"]
    assert subjects(auditor, "action=wallet.adjust") == ["b", "a"]
    assert subjects(auditor, "outcome__exact=refused") == ["c", "b"]
    assert subjects(auditor, f"actor={grace.pk}") == ["b", "a"]
    assert subjects(auditor, "actor=nobody") == ["c"]
    assert subjects(auditor, f"actor={grace.pk}&outcome__exact=refused") == ["b"]


@pytest.mark.parametrize(
    "query", ["actor=x", "actor=" + "9" * 40, "actor=0", "action=nothing", "created_at_from=x&created_at_to=y"]
)
def test_filters_that_nobody_chose_are_refused(auditor, query):
    answer = auditor.get(f"{AUDIT}?{query}")

    assert (answer.status_code, answer["Location"]) == (302, f"{AUDIT}?e=1")


def test_the_log_is_filtered_by_day_in_the_time_zone_of_reports(auditor, settings):
    record_action(by=None, action="a", subject="today")
    settings.REPORT_TIME_ZONE = "Pacific/Kiritimati"
    there = (timezone.now() + timedelta(hours=14)).date()
    yesterday, tomorrow = there - timedelta(days=1), there + timedelta(days=1)

    assert subjects(auditor, f"created_at_from={there}&created_at_to={there}") == ["today"]
    assert subjects(auditor, f"created_at_from={yesterday}") == ["today"]
    assert subjects(auditor, f"created_at_to={yesterday}") == []
    assert subjects(auditor, f"created_at_from={tomorrow}") == []


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1970-01-01", "2026-02-30", "soon"])
def test_days_that_no_id_can_tell_are_refused(auditor, day):
    answer = auditor.get(f"{AUDIT}?created_at_from={day}&created_at_to={day}")

    assert (answer.status_code, answer["Location"]) == (302, f"{AUDIT}?e=1")


def test_nul_is_refused_by_every_filter(auditor):
    for query in ("action=%00", "created_at_from=%00", "subject=%00", "subject__startswith=a%00"):
        assert auditor.get(f"{AUDIT}?{query}").status_code == 400


def test_the_filter_names_each_action_once(auditor):
    for action in ("b", "a", "b", "c"):
        record_action(by=None, action=action, subject="s")

    (spec,) = [
        spec
        for spec in auditor.get(AUDIT).context["cl"].filter_specs
        if getattr(spec, "parameter_name", "") == "action"
    ]

    assert [name for name, _ in spec.lookup_choices] == ["a", "b", "c", "log_in"]


def test_entries_are_found_by_subject_and_by_request(auditor):
    entry = record_action(by=None, action="a", subject="nmk-1")
    request_id = str(uuid4())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_log (id, action, subject, outcome, reason, address, request_id, created_at) "
            "VALUES (%s, 'b', 'other', 'done', '', '', %s, now())",
            [uuid4(), request_id],
        )

    assert subjects(auditor, "q=nmk-1") == [entry.subject]
    assert subjects(auditor, f"q={request_id}") == ["other"]
    assert subjects(auditor, "q=nmk") == []


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("q=nmk-1", "audit_log_of_request"),
        ("action=wallet.adjust", "audit_log_of_action"),
        ("outcome__exact=refused", "audit_log_refused"),
    ],
)
def test_the_log_is_read_through_indexes(auditor, query, index):
    record_action(by=None, action="wallet.adjust", subject="ada", outcome="refused")
    multiply(
        record_action(by=None, action="page.open", subject="ada"),
        id="gen_random_uuid()",
        action="'some.thing' || mod(number, 40)",
        subject="'user:' || number",
        request_id="gen_random_uuid()",
    )
    rows = auditor.get(f"{AUDIT}?{query}").context["cl"].queryset

    assert index in (rows.order_by() if query.startswith("q=") else rows).select_related(None).explain()


def test_an_entry_shows_before_and_after_as_json(auditor):
    entry = record_action(
        by=StaffFactory(username="grace"),
        action="staff.change_role",
        subject="ada",
        reason="Changed teams.",
        before={"role": "Support"},
        after={"role": "<b>Finance</b>"},
    )

    page = auditor.get(f"{AUDIT}{entry.pk}/change/")

    assert page.context["documents"] == [
        ("Before", json.dumps({"role": "Support"}, indent=2)),
        ("After", json.dumps({"role": "<b>Finance</b>"}, indent=2)),
    ]
    text = page.content.decode()
    assert "<b>Finance" not in text
    assert all(words in text for words in ("grace", "Changed teams.", "Done", "a shell"))


def test_an_entry_without_changes_shows_none(auditor):
    entry = record_action(by=None, action="log_in", subject="ada")

    assert auditor.get(f"{AUDIT}{entry.pk}/change/").context["documents"] == []


@pytest.mark.parametrize("role", ["Support", "Finance", "Operator", None])
def test_the_log_is_for_auditors_and_superusers(staff, superuser, role):
    entry = record_action(by=None, action="a", subject="s")
    client = staff(role)

    for url in (AUDIT, f"{AUDIT}{entry.pk}/change/"):
        assert client.get(url).status_code == 403
        assert superuser.get(url).status_code == 200


def test_a_keys_state_is_said_in_words(auditor):
    now = timezone.now()
    finished = make_key(RecoveryPoint.FINISHED, replays=3, resource="nmk-1")
    running = make_key(locked_at=now, owner_token=uuid4())
    broken = make_key(RecoveryPoint.GATEWAY_CALLED)
    expired = make_key(created_at=now - timedelta(hours=80), expires_at=now - timedelta(hours=8))

    page = auditor.get(KEYS).content.decode()

    assert all(word in page for word in ("Finished", "Running", "Broken off", "Expired"))
    said = {
        key: auditor.get(f"{KEYS}{key.pk}/change/").content.decode() for key in (finished, running, broken, expired)
    }
    assert all(
        words in said[finished] for words in ("3 times", "nmk-1", "Done: the same request gets the stored answer")
    )
    assert "A request with this key is being worked on." in said[running]
    assert str(running.owner_token) not in said[running]
    assert "The gateway was asked; its answer is not stored yet." in said[broken]
    assert "The same key may be used for something else." in said[expired]


def test_keys_are_found_by_themselves_by_what_they_made_and_by_whose_they_are(auditor):
    key = make_key(RecoveryPoint.FINISHED, resource="nmk-1", user=UserFactory(username="shop"))
    make_key()

    for query in (str(key.key), str(key.key).upper(), "nmk-1", "SHO"):
        assert [row.pk for row in auditor.get(KEYS, {"q": query}).context["cl"].result_list] == [key.pk]
    assert list(auditor.get(KEYS, {"q": "nobody"}).context["cl"].result_list) == []


@pytest.mark.parametrize(("answer", "status"), [("none", None), ("2", 201), ("4", 409), ("5", 503)])
def test_keys_are_filtered_by_what_was_answered(auditor, answer, status):
    for code in (201, 409, 503):
        make_key(RecoveryPoint.FINISHED, response_status=code)
    make_key()

    rows = auditor.get(KEYS, {"answer": answer}).context["cl"].result_list

    assert [row.response_status for row in rows] == [status]
    assert auditor.get(KEYS, {"answer": "x"}).status_code == 302


def test_a_worker_that_is_silent_is_shown_as_such(auditor):
    now = timezone.now()
    Heartbeat.objects.create(name="alive", beat_at=now)
    Heartbeat.objects.create(name="silent", beat_at=now - timedelta(seconds=31))

    page = auditor.get(BEATS)

    states = [page.context["cl"].model_admin.shown_state(row) for row in page.context["cl"].result_list]
    assert ["Alive" in states[0], "Silent" in states[1]] == [True, True]


def test_empty_lists_say_what_that_means(auditor):
    for url, sentence in (
        (KEYS, "No client has sent a key yet."),
        (BEATS, "No worker has ever run here"),
        (NOTES, "Nobody has written a note yet."),
    ):
        assert sentence in auditor.get(url).content.decode()


def test_lists_and_pages_cost_the_same_for_one_row_and_for_three(superuser, django_assert_max_num_queries):
    counts = []
    for number in range(3):
        entry = record_action(by=StaffFactory(), action="a", subject="s")
        key = make_key()
        Heartbeat.objects.create(name=str(number), beat_at=timezone.now())
        Note.objects.create(subject="s", text="t", author=StaffFactory(), created_at=timezone.now())
        urls = (AUDIT, f"{AUDIT}{entry.pk}/change/", KEYS, f"{KEYS}{key.pk}/change/", BEATS, NOTES)
        for url in urls:
            with django_assert_max_num_queries(12) as queries:
                superuser.get(url)
            counts.append(len(queries))

    assert counts[:6] == counts[6:12] == counts[12:]
