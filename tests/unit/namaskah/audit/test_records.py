import pytest
import time_machine
from django.db import transaction

from namaskah.audit.models import AuditEntry, Outcome
from namaskah.audit.origins import Origin, coming_from
from namaskah.audit.records import record_action
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db


@time_machine.travel("2026-11-21T10:00:00Z", tick=False)
def test_record_action_keeps_who_what_why_and_from_where():
    member = UserFactory()

    with coming_from(Origin(address="192.0.2.7", request_id="8b1c")):
        record_action(
            by=member,
            action="payment.refund",
            subject="rfd-1",
            part_of="nmk-1",
            reason="T-1",
            before={"a": "1"},
            after={"a": "2"},
        )

    entry = AuditEntry.objects.values().get()
    del entry["id"]
    assert entry.pop("created_at").isoformat() == "2026-11-21T10:00:00+00:00"
    assert entry == {
        "actor_id": member.pk,
        "action": "payment.refund",
        "subject": "rfd-1",
        "part_of": "nmk-1",
        "outcome": "done",
        "reason": "T-1",
        "before": {"a": "1"},
        "after": {"a": "2"},
        "address": "192.0.2.7",
        "request_id": "8b1c",
    }


def test_record_action_of_nobody_known_and_from_a_shell_keeps_that():
    entry = record_action(by=None, action="log_in", subject="ada", outcome=Outcome.REFUSED)

    assert (entry.actor, entry.address, entry.request_id) == (None, "", "")
    assert str(entry) == "log_in ada (refused)"


def test_record_action_cuts_what_is_too_long_instead_of_failing():
    entry = record_action(by=None, action="log_in", subject="s" * 200, reason="r" * 600)

    entry.refresh_from_db()
    assert (entry.subject, entry.reason) == ("s" * 150, "r" * 500)


@pytest.mark.parametrize(("subject", "kept"), [("", "-"), ("\x00", "-"), ("a\x00b", "ab")])
def test_record_action_keeps_whatever_an_address_brings(subject, kept):
    entry = record_action(by=None, action="log_in", subject=subject, reason=f"said {subject}")

    entry.refresh_from_db()
    assert (entry.subject, entry.reason) == (kept, f"said {subject}".replace("\x00", ""))


@pytest.mark.django_db(transaction=True)
def test_record_action_is_gone_with_the_transaction_of_what_was_done():
    with transaction.atomic():
        record_action(by=None, action="payment.refund", subject="nmk-1")
        transaction.set_rollback(True)

    assert AuditEntry.objects.count() == 0
