from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.lifecycles import ReceivableReason
from billing.models import Receivable
from billing.services import receivables
from tests.factories.payments import PaymentFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def payment():
    return PaymentFactory()


def record(payment, **changes):
    terms = {"amount": Decimal("1.2345"), "reason": ReceivableReason.REFUNDED_ELSEWHERE, "reference": "rfd-1"}
    with transaction.atomic():
        return receivables.record_receivable(
            user_id=payment.user_id, payment_log_id=payment.pk, now=NOW, **terms | changes
        )


def test_record_receivable_writes_down_who_owes_what(payment):
    record(payment)

    owed = Receivable.objects.get()
    assert (owed.user_id, owed.payment_log_id, owed.amount) == (payment.user_id, payment.pk, Decimal("1.2345"))
    assert (owed.reason, owed.reference, owed.created_at) == ("refunded_elsewhere", "rfd-1", NOW)
    assert owed.cancelled_at is None


def test_record_receivable_twice_for_the_same_thing_is_refused(payment):
    record(payment)

    with pytest.raises(IntegrityError, match="receivables_reference_key"):
        record(payment, amount=Decimal(1))

    assert Receivable.objects.count() == 1


def test_cancel_receivable_cancels_that_one_and_no_other(payment):
    record(payment)
    record(payment, reference="rfd-2")

    receivables.cancel_receivable(reference="rfd-1", now=NOW)

    assert dict(Receivable.objects.values_list("reference", "cancelled_at")) == {"rfd-1": NOW, "rfd-2": None}


def test_cancel_receivable_again_or_of_nothing_changes_nothing(payment):
    record(payment)
    receivables.cancel_receivable(reference="rfd-1", now=NOW)

    receivables.cancel_receivable(reference="rfd-1", now=timezone.now())
    receivables.cancel_receivable(reference="rfd-unknown", now=NOW)

    assert Receivable.objects.get().cancelled_at == NOW
