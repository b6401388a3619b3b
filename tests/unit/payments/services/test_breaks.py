"""A person works on a break, or lets it be, once, with a name and a reason."""

from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from namaskah.errors import PermissionDeniedError
from payments.services import breaks
from tests.factories.people import AgentFactory
from tests.factories.refunds import ReconciliationBreakFactory
from tests.factories.users import StaffFactory
from tests.integration import actors

pytestmark = pytest.mark.django_db(transaction=True)


def dismiss(break_id, **changes):
    terms = {"by": StaffFactory(), "reason": "Agreed with the bank.", "now": timezone.now()} | changes
    return breaks.dismiss_break(break_id=break_id, **terms)


def test_dismiss_break_closes_it_and_says_who_and_why():
    kept, staff, now = ReconciliationBreakFactory(), StaffFactory(), timezone.now()

    dismiss(kept.pk, by=staff, now=now)

    kept.refresh_from_db()
    assert (kept.state, kept.closed_at, kept.dismissed_by, kept.dismissal_note) == (
        "dismissed",
        now,
        staff,
        "Agreed with the bank.",
    )


def test_dismiss_break_that_does_not_exist_is_refused():
    with pytest.raises(breaks.BreakNotFoundError):
        dismiss(uuid4())


@pytest.mark.parametrize("state", ["repaired", "gone"])
def test_dismiss_break_that_is_closed_is_refused(state):
    kept = ReconciliationBreakFactory(state=state, closed_at=timezone.now())

    with pytest.raises(breaks.BreakNotOpenError, match=f"This break is {state}"):
        dismiss(kept.pk)


def test_dismiss_break_twice_keeps_the_first_name():
    kept = ReconciliationBreakFactory()
    first = dismiss(kept.pk).dismissed_by

    with pytest.raises(breaks.BreakNotOpenError):
        dismiss(kept.pk, reason="Again.")

    kept.refresh_from_db()
    assert (kept.dismissed_by, kept.dismissal_note) == (first, "Agreed with the bank.")


def test_dismiss_break_needs_the_permission():
    kept = ReconciliationBreakFactory()

    with pytest.raises(PermissionDeniedError, match="You may not take or dismiss breaks"):
        dismiss(kept.pk, by=AgentFactory())

    kept.refresh_from_db()
    assert (kept.state, AuditEntry.objects.count()) == ("open", 0)


def test_dismiss_break_writes_what_was_let_be_to_the_audit_log():
    kept, staff = ReconciliationBreakFactory(), AgentFactory(permission="dismiss_break")

    dismiss(kept.pk, by=staff)

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.reason) == (
        staff,
        "break.dismiss",
        kept.subject,
        "Agreed with the bank.",
    )
    assert entry.before == {"kind": "missing_there", "state": "open", "ours": "completed", "theirs": "nothing"}


def test_dismiss_break_and_its_audit_entry_stand_or_fall_together():
    kept = ReconciliationBreakFactory()

    with connection.execute_wrapper(_refuse_audit), pytest.raises(OSError, match="disk"):
        dismiss(kept.pk)

    kept.refresh_from_db()
    assert kept.state == "open"


def agent():
    return AgentFactory(permission="dismiss_break")


def assignee(kept):
    kept.refresh_from_db()
    return kept.assigned_to


def changes():
    return list(AuditEntry.objects.order_by("pk").values_list("action", "actor__username", "before", "after"))


def test_take_break_and_hand_it_back_say_who_works_on_it_and_write_it_down():
    kept, ada = ReconciliationBreakFactory(), agent()

    breaks.take_break(break_id=kept.pk, by=ada)
    taken = assignee(kept)
    breaks.hand_back_break(break_id=kept.pk, by=ada)

    assert (taken, assignee(kept)) == (ada, None)
    mine, nobodys = {"assigned_to": ada.username}, {"assigned_to": None}
    assert changes() == [
        ("break.take", ada.username, nobodys, mine),
        ("break.hand_back", ada.username, mine, nobodys),
    ]
    assert set(AuditEntry.objects.values_list("subject", flat=True)) == {kept.subject}


def test_take_break_from_a_colleague_is_allowed_and_names_both():
    kept, ada, bea = ReconciliationBreakFactory(), agent(), agent()
    breaks.take_break(break_id=kept.pk, by=ada)

    breaks.take_break(break_id=kept.pk, by=bea)

    assert assignee(kept) == bea
    assert changes()[-1] == (
        "break.take",
        bea.username,
        {"assigned_to": ada.username},
        {"assigned_to": bea.username},
    )


def test_take_break_twice_and_hand_back_what_nobody_has_are_refused():
    kept, ada = ReconciliationBreakFactory(), agent()
    breaks.take_break(break_id=kept.pk, by=ada)

    with pytest.raises(breaks.BreakAssignmentError, match="You work on this break already"):
        breaks.take_break(break_id=kept.pk, by=ada)
    with pytest.raises(breaks.BreakAssignmentError, match="Nobody works on this break"):
        breaks.hand_back_break(break_id=ReconciliationBreakFactory().pk, by=ada)

    assert (assignee(kept), len(changes())) == (ada, 1)


@pytest.mark.parametrize("act", [breaks.take_break, breaks.hand_back_break])
def test_take_break_and_hand_back_need_the_permission_and_an_open_break(act):
    closed = ReconciliationBreakFactory(state="gone", closed_at=timezone.now())

    with pytest.raises(PermissionDeniedError):
        act(break_id=ReconciliationBreakFactory().pk, by=AgentFactory())
    with pytest.raises(breaks.BreakNotFoundError):
        act(break_id=uuid4(), by=agent())
    with pytest.raises(breaks.BreakNotOpenError, match="This break is gone"):
        act(break_id=closed.pk, by=agent())

    assert changes() == []


def test_take_break_by_two_at_once_leaves_the_later_and_both_entries():
    kept, people = ReconciliationBreakFactory(), [agent(), agent()]

    actors.run_together([partial(breaks.take_break, break_id=kept.pk, by=by) for by in people])

    assert [after for _, _, _, after in changes()][-1] == {"assigned_to": assignee(kept).username}
    assert changes()[1][2] == changes()[0][3]


def test_take_break_and_its_audit_entry_stand_or_fall_together():
    kept = ReconciliationBreakFactory()

    with connection.execute_wrapper(_refuse_audit), pytest.raises(OSError, match="disk"):
        breaks.take_break(break_id=kept.pk, by=agent())

    assert assignee(kept) is None


def test_dismiss_break_keeps_who_worked_on_it():
    kept, ada = ReconciliationBreakFactory(), agent()
    breaks.take_break(break_id=kept.pk, by=ada)

    dismiss(kept.pk)

    assert assignee(kept) == ada


def _refuse_audit(execute, sql, params, many, context):
    if 'INSERT INTO "audit_log"' in sql:
        raise OSError("disk")
    return execute(sql, params, many, context)
