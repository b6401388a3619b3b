"""What staff do about payments is in the audit log, or was not done."""

import pytest
from django.db import IntegrityError
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from payments.models import GatewayCall
from payments.services import verification
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import request
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.services.reviewing import BY_HAND, credit_by_hand, dismiss, resolver, review
from tests.unit.payments.services.told_events import buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full_audit_log():
    """An audit log that takes no more entries."""
    execute("ALTER TABLE audit_log ADD CONSTRAINT is_full CHECK (false) NOT VALID")
    yield
    execute("ALTER TABLE audit_log DROP CONSTRAINT is_full")


@pytest.mark.parametrize("deed", [credit_by_hand, dismiss, request])
def test_nothing_is_done_that_cannot_be_written_down(deed, sandbox, full_audit_log):
    payment = review(sandbox)
    by = resolver() if deed is not request else StaffFactory()
    before = take_snapshot(without=("gateway_calls",))

    with pytest.raises(IntegrityError, match="is_full"):
        deed(payment, by=by)

    assert take_snapshot(without=("gateway_calls",)) == before


def test_nobody_has_paystack_asked_without_being_written_down(sandbox, full_audit_log):
    payment = buy()

    with pytest.raises(IntegrityError, match="is_full"):
        verify(payment, by=StaffFactory())

    assert not GatewayCall.objects.exists()


def test_verify_writes_down_who_asked_and_how_it_stood(sandbox):
    payment, ada = buy(), StaffFactory()

    verify(payment, by=ada)

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == (ada, "payment.verify", payment.reference)
    assert entry.before == {"state": "processing"}
    assert GatewayCall.objects.get().request_id == BY_HAND.request_id


@pytest.mark.parametrize("by", [None, "somebody"])
def test_verify_writes_nothing_where_nobody_is_named_or_nothing_is_asked(by, sandbox):
    payment = buy() if by is None else PaymentFactory(at="completed")

    verify(payment, by=StaffFactory() if by else None)

    assert not AuditEntry.objects.exists()


def test_verify_in_rehearsal_writes_nothing(sandbox):
    payment, ada = buy(), StaffFactory()
    before = take_snapshot()

    verification.verify_as_operator(payment_id=payment.pk, by=ada, cause=CAUSE, now=timezone.now(), is_rehearsal=True)

    assert take_snapshot() == before


def verify(payment, *, by):
    return verification.verify_as_operator(
        payment_id=payment.pk, by=by, cause=BY_HAND, now=timezone.now(), is_rehearsal=False
    )
