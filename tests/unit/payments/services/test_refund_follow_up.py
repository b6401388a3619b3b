"""Bringing refunds to their end: whatever is due is taken a step further, by one worker at a time."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from payments.models import GatewayCall, Refund
from payments.services import refund_follow_up
from tests.factories.refunds import request
from tests.integration import actors
from tests.unit.payments.services.refunding import (
    buy,
    make_due,
    move,
    refunds_there,
    standing,
    states,
    submit,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy(sandbox)


def seconds_until_due(refund):
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM next_check_at - now()) FROM refunds WHERE id = %s", [refund.pk])
        return float(cursor.fetchone()[0])


def test_follow_up_refunds_with_nothing_due_does_nothing(payment):
    submit(request(payment, "10.00"))

    assert refund_follow_up.follow_up_refunds() == 0

    assert not GatewayCall.objects.filter(operation="list_refunds").exists()


def test_follow_up_refunds_sends_what_is_approved(sandbox, payment):
    request(payment, "10.00")
    request(payment, "5.00")

    assert refund_follow_up.follow_up_refunds() == 2

    assert (states(payment), len(refunds_there(sandbox, payment))) == (["submitted", "submitted"], 2)


def test_follow_up_refunds_brings_what_was_sent_to_its_end(sandbox, payment):
    refund = submit(request(payment))
    move(sandbox, payment, "processed")
    make_due(refund)

    assert refund_follow_up.follow_up_refunds() == 1

    payment.refresh_from_db()
    assert (states(payment), payment.state) == (["processed"], "refunded")
    assert Refund.objects.get().state_transitions[-1]["source"] == "worker"
    assert refund_follow_up.follow_up_refunds() == 0


def test_follow_up_refunds_follows_what_needs_attention(sandbox, payment):
    refund = submit(request(payment))
    for status in ("needs-attention", "processing", "processed"):
        move(sandbox, payment, status)
        make_due(refund)
        refund_follow_up.follow_up_refunds()

    assert [step["to"] for step in Refund.objects.get().state_transitions][3:] == [
        "needs_attention",
        "submitted",
        "processed",
    ]


def test_follow_up_refunds_goes_on_past_one_that_fails(sandbox, payment):
    other = buy(sandbox)
    stuck, fine = submit(request(payment, "10.00")), submit(request(other, "10.00"))
    # Its list cannot be read; it was due first.
    sandbox.script(operation="list_refunds", reference=payment.reference, fault="http_500", times=None)
    move(sandbox, other, "processed")
    make_due(stuck)
    make_due(fine)

    assert refund_follow_up.follow_up_refunds() == 2

    assert (states(payment), states(other)) == (["submitted"], ["processed"])
    # The lease is what it waits for.
    assert 110 < seconds_until_due(stuck) <= 120


def test_follow_up_refunds_ends_when_its_time_is_over(payment):
    request(payment, "10.00")

    assert refund_follow_up.follow_up_refunds(limit_seconds=0) == 0

    assert states(payment) == ["approved"]


def test_follow_up_refunds_leaves_alone_what_waits_for_a_person(payment, settings):
    settings.REFUND_APPROVAL_USD = 1
    request(payment)

    assert refund_follow_up.follow_up_refunds() == 0

    assert states(payment) == ["awaiting_approval"]


def test_follow_up_refunds_of_a_dead_worker_comes_back_when_its_lease_ends(payment):
    refund = request(payment)
    pause = actors.Pause('INSERT INTO "gateway_calls"')
    working = actors.start(pause.of(refund_follow_up.follow_up_refunds))
    pause.wait_until_reached()

    # It is being sent, and nobody else takes it up meanwhile.
    assert (states(payment), refund_follow_up.follow_up_refunds()) == (["submitting"], 0)
    assert 0 < seconds_until_due(refund) <= 60

    pause.go_on()
    assert working.result(actors.PATIENCE_SECONDS) == 1
    assert states(payment) == ["submitted"]


def test_follow_up_refunds_of_eight_workers_sends_each_once(sandbox, payment):
    others = [buy(sandbox) for _ in range(3)]
    for each in (payment, *others):
        request(each, "10.00")

    results = actors.run_together([refund_follow_up.follow_up_refunds] * 8)

    assert sum(results) == 4
    assert [len(refunds_there(sandbox, each)) for each in (payment, *others)] == [1, 1, 1, 1]
    assert [standing(each.user) for each in (payment, *others)] == [(15, 0, [25, -10])] * 4


def test_follow_up_refund_by_hand_while_the_worker_is_at_it_sends_it_once(sandbox, payment):
    refund = request(payment)

    results = actors.run_together([partial(refund_follow_up.follow_up_refund, refund_id=refund.pk)] * 8)

    assert results == [None] * 8
    assert (states(payment), len(refunds_there(sandbox, payment))) == (["submitted"], 1)
    assert GatewayCall.objects.filter(operation="refund").count() == 1


def test_follow_up_refund_of_one_that_ended_asks_and_changes_nothing(sandbox, payment):
    refund = submit(request(payment))
    move(sandbox, payment, "processed")
    refund_follow_up.follow_up_refund(refund_id=refund.pk)
    before = Refund.objects.values_list().get()

    refund_follow_up.follow_up_refund(refund_id=refund.pk)

    assert Refund.objects.values_list().get() == before


def test_lost_refund_is_looked_for_after_1_5_and_30_minutes_by_the_follow_up(sandbox, payment):
    refund = request(payment)
    sandbox.script(operation="refund", reference=payment.reference, fault="http_500")
    waits = []

    for _ in range(4):
        make_due(refund)
        before = timezone.now()
        assert refund_follow_up.follow_up_refunds() == 1
        refund.refresh_from_db()
        waits.append((refund.state, round((refund.next_check_at - before) / timedelta(minutes=1))))

    assert waits == [("unknown", 1), ("unknown", 5), ("unknown", 30), ("needs_attention", 1440)]
    assert GatewayCall.objects.filter(operation="refund").count() == 1


def test_follow_up_refunds_ends_when_the_gateway_is_away(sandbox):
    for _ in range(4):
        make_due(submit(request(buy(sandbox), "10.00")))
    sandbox.script(operation="any", fault="http_500", times=None)

    assert refund_follow_up.follow_up_refunds() == 2
