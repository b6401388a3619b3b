"""Thirty days of a made-up business: everything is there, all laws hold, and a second run adds nothing."""

import json
from collections import Counter

import pytest
from django.apps import apps
from django.utils import timezone

from billing.lifecycles import AdjustmentState
from billing.models import CreditAdjustment, Receivable
from namaskah.audit.models import AuditEntry, Note
from payments.lifecycles import (
    BreakState,
    DisputeState,
    EventStatus,
    PaymentState,
    RefundState,
    ReviewReason,
)
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund, WebhookEvent
from payments.services import dispute_follow_up, janitor, refund_follow_up, webhooks
from payments.services.demonstration import people
from payments.services.invariants import check_invariants
from tests.factories.commands import run

# It takes ten seconds, and on a busy machine much longer.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


@pytest.fixture
def demonstration(settings):
    """What `seed_demo --history --json` answers."""
    settings.DEBUG = True
    (line,), _ = run("seed_demo", "--history", "--json")
    return json.loads(line)


def test_seed_history_makes_everything_once_and_breaks_no_law(demonstration):
    assert check_invariants() == []
    before = _count_rows()

    (line,), _ = run("seed_demo", "--history", "--json")

    assert json.loads(line)["payments_made"] == 0
    assert _count_rows() == before
    _check_that_all_is_there(demonstration)
    _check_that_workers_find_nothing_to_do()


def _check_that_all_is_there(demonstration):
    assert demonstration["payments_made"] > 300
    assert set(_values(PaymentLog, "state")) == set(PaymentState)
    assert set(_values(PaymentLog, "review_reason")) - {""} == set(ReviewReason)
    assert set(_values(Refund, "state")) == set(RefundState)
    assert set(_values(Dispute, "state")) == set(DisputeState)
    assert set(_values(CreditAdjustment, "state")) == set(AdjustmentState)
    assert set(_values(ReconciliationBreak, "state")) == set(BreakState)
    # What is due would not wait for whoever wants to see it.
    assert set(_values(WebhookEvent, "status")) == set(EventStatus) - {EventStatus.RECEIVED, EventStatus.RETRYING}
    assert Receivable.objects.count() == 1
    assert Note.objects.count() > 5
    assert AuditEntry.objects.filter(outcome="refused").count() == 6
    assert not PaymentLog.objects.filter(user__username=people.CUSTOMER).exists()
    known = {row["reference"] for row in demonstration["books"]["transactions"]}
    assert set(PaymentLog.objects.filter(credited=True).values_list("reference", flat=True)) <= known


def _check_that_workers_find_nothing_to_do():
    before = _values(PaymentLog, "state"), _values(Refund, "state"), _values(Dispute, "state")

    assert janitor.check_payments() == 0
    assert refund_follow_up.follow_up_refunds() == 0
    assert dispute_follow_up.follow_up_disputes(now=timezone.now()) == 0
    assert webhooks.drain_inbox() is False

    assert (_values(PaymentLog, "state"), _values(Refund, "state"), _values(Dispute, "state")) == before


def _values(model, name):
    return Counter(model.objects.values_list(name, flat=True))


def _count_rows():
    return {model._meta.label: model.objects.count() for model in apps.get_models()}
