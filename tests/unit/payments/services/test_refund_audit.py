"""What staff decide about refunds stands in the audit log, or did not happen."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from namaskah.errors import PermissionDeniedError
from payments.services import refund_endings, refunds
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import request
from tests.factories.users import StaffFactory
from tests.unit.payments.services.refunding import buy, submit, sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(settings):
    settings.REFUND_APPROVAL_USD = 1
    return request(PaymentFactory(at="completed"), "10.00")


def approve(refund, by):
    return refunds.approve_refund(refund_id=refund.pk, by=by, comment="Seen", cause=CAUSE, now=timezone.now())


def reject(refund, by):
    return refunds.reject_refund(refund_id=refund.pk, by=by, reason="Seen", cause=CAUSE, now=timezone.now())


DECISIONS = pytest.mark.parametrize(
    ("decide", "action", "state"), [(approve, "refund.approve", "approved"), (reject, "refund.reject", "rejected")]
)


@DECISIONS
def test_a_decision_is_written_down(waiting, decide, action, state):
    by = StaffFactory()

    decide(waiting, by)

    entry = AuditEntry.objects.exclude(action="refund.request").get()
    assert (entry.action, entry.actor, entry.subject, entry.reason) == (action, by, waiting.reference, "Seen")
    assert entry.part_of == waiting.payment.reference
    assert (entry.before, entry.after) == (
        {"state": "awaiting_approval"},
        {"state": state, "payment": waiting.payment.reference, "amount": "16500.00 NGN", "credits": "10.00"},
    )


@DECISIONS
def test_a_decision_and_its_audit_entry_stand_or_fall_together(waiting, decide, action, state):
    del action, state

    with connection.execute_wrapper(refuse_audit), pytest.raises(OSError, match="disk"):
        decide(waiting, StaffFactory())

    waiting.refresh_from_db()
    assert (waiting.state, waiting.ledger_entry) == ("awaiting_approval", None)


@pytest.mark.parametrize("decide", [approve, reject])
def test_a_refused_decision_writes_nothing(waiting, decide):
    with pytest.raises(PermissionDeniedError, match="another person must decide"):
        decide(waiting, waiting.requested_by)

    assert not AuditEntry.objects.exclude(action="refund.request").exists()


def refuse_audit(execute, sql, params, many, context):
    if 'INSERT INTO "audit_log"' in sql:
        raise OSError("disk")
    return execute(sql, params, many, context)


def test_ending_one_that_was_never_sent_and_its_audit_entry_stand_or_fall_together(sandbox):
    payment = buy(sandbox)
    lost = request(payment, "10.00")
    sandbox.script(operation="refund", fault="reset_before_accept")
    submit(lost)
    for minutes in (1, 6, 36):
        sync(payment, now=timezone.now() + timedelta(minutes=minutes), due=[lost])

    with connection.execute_wrapper(refuse_audit), pytest.raises(OSError, match="disk"):
        refund_endings.end_unsent_refund(
            refund_id=lost.pk, by=StaffFactory(), reason="Gone", cause=CAUSE, now=timezone.now()
        )

    lost.refresh_from_db()
    assert (lost.state, lost.reversal) == ("needs_attention", None)
