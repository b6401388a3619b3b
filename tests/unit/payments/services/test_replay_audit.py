"""What people did to events stands in the audit log, with the attempt or not at all."""

import pytest

from namaskah.audit.models import AuditEntry
from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent
from payments.services import inbox, replay_plans, replays
from payments.services.replays import is_dismissible, is_replayable
from tests.factories.payments import WebhookEventFactory
from tests.factories.users import StaffFactory
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)

UNREADABLE = {"event_type": "", "reference": "", "status": EventStatus.QUARANTINED, "next_attempt_at": None}


@pytest.fixture
def ada(db):
    return StaffFactory(username="ada")


@pytest.fixture
def dead(sandbox):
    return bury(told_events.pay(sandbox, buy()))


def test_replay_is_audited_with_what_was_and_what_is(ada, dead):
    replays.replay_event(event_id=dead.pk, by=ada, reason="the ledger is back")

    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.subject, entry.actor, entry.reason, entry.outcome) == (
        "webhook.replay",
        dead.reference,
        ada,
        "the ledger is back",
        "done",
    )
    assert (entry.before, entry.after) == (
        {"event": str(dead.pk), "status": "dead"},
        {"event": str(dead.pk), "status": "processed"},
    )


def test_replay_that_fails_again_is_audited_with_its_error(ada):
    lost = WebhookEventFactory(status=EventStatus.DEAD, next_attempt_at=None)

    replays.replay_event(event_id=lost.pk, by=ada, reason="to be sure")

    after = AuditEntry.objects.get().after
    assert after == {
        "event": str(lost.pk),
        "status": "dead",
        "error": f"UnknownReferenceError: There is no payment {lost.reference}.",
    }


def test_dismissal_of_what_has_no_reference_is_audited_by_its_id(ada):
    event = WebhookEventFactory(**UNREADABLE)

    replays.dismiss_event(event_id=event.pk, by=ada, reason="noise")

    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.subject, entry.before["status"], entry.after["status"]) == (
        "webhook.dismiss",
        str(event.pk),
        "quarantined",
        "dismissed",
    )


@pytest.mark.parametrize("act", [replays.replay_event, replays.dismiss_event])
def test_without_its_audit_entry_there_is_no_attempt(ada, dead, monkeypatch, act):
    monkeypatch.setattr(replays, "record_action", _refuse)

    with pytest.raises(ValueError, match="audit log is away"):
        act(event_id=dead.pk, by=ada, reason="to be sure")

    assert not WebhookAttempt.objects.exists()
    assert WebhookEvent.objects.get().status != EventStatus.DISMISSED


def test_a_rehearsal_and_a_worker_leave_no_entry(dead):
    replay_plans.plan_replays([dead.pk])
    replays.replay_event(event_id=dead.pk, by=None, reason="by nobody")

    assert not AuditEntry.objects.exists()


def test_what_goes_beside_the_attempt_is_written_with_it(ada, dead):
    seen = []

    replays.replay_event(event_id=dead.pk, by=ada, reason="why", beside=seen.append)

    assert seen == [WebhookAttempt.objects.get()]


@pytest.mark.parametrize("status", EventStatus)
def test_only_what_was_dismissed_cannot_be_replayed_for_its_status(status):
    assert is_replayable(WebhookEventFactory.build(status=status)) is (status != EventStatus.DISMISSED)


@pytest.mark.parametrize(
    "columns", [UNREADABLE, {"event_type": "party.started"}, {"reference": "shop-1"}, {"reference": ""}]
)
def test_what_this_product_does_nothing_for_cannot_be_replayed(columns):
    assert is_replayable(WebhookEventFactory.build(**columns)) is False


@pytest.mark.parametrize("status", EventStatus)
def test_what_waits_for_a_person_can_be_dismissed(status):
    assert is_dismissible(WebhookEventFactory.build(status=status)) is (status in {"dead", "quarantined"})


def test_request_of_a_worker_writes_nothing_beside():
    assert inbox.BY_WORKER.beside(WebhookAttempt()) is None


def _refuse(**_options):
    raise ValueError("the audit log is away")
