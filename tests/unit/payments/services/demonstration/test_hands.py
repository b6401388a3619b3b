from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from payments.models import ReconciliationBreak
from payments.services.demonstration import hands
from tests.factories.payments import PaymentFactory
from tests.factories.users import StaffFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(hours=30), timedelta(days=40)])
def test_seed_breaks_finds_nothing_before_the_purchase_nor_in_the_future(age):
    now = timezone.now()
    payments = [PaymentFactory(created_at=now - age) for _ in range(6)]

    hands.seed_breaks(payments, StaffFactory(), now=now)

    found = ReconciliationBreak.objects.select_related("payment")
    assert len(found) == 6
    for each in found:
        assert each.payment.created_at < each.first_seen_at <= each.last_seen_at <= (each.closed_at or now) <= now
    taken = AuditEntry.objects.filter(action="break.take").values_list("created_at", flat=True)
    assert len(taken) == 2
    assert all(at <= now for at in taken)
