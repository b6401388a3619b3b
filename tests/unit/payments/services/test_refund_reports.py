"""What the gateway's list says of a payment's refunds, brought into ours."""

from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.errors import GatewayUnavailableError
from payments.gateways.paystack import refunds as paystack_refunds
from payments.models import GatewayCall, Refund
from payments.services import refund_submission
from payments.services.refund_reports import RefundContradictedError
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import request
from tests.unit.payments.services.refunding import (
    buy,
    digest,
    move,
    refund_on_dashboard,
    refunds_there,
    standing,
    states,
    steps,
    submit,
    sync,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(sandbox):
    """A purchase of 25 credits for 4,125,000 subunits, paid."""
    return buy(sandbox)


@pytest.fixture
def submitted(payment):
    """Ten of its credits on their way back."""
    return submit(request(payment, "10.00"))


def test_sync_refunds_of_a_payment_without_any_changes_nothing(payment):
    before = digest()

    assert sync(payment) == []

    assert digest() == before


def test_sync_refunds_asks_by_the_gateways_number(payment):
    sync(payment)

    call = GatewayCall.objects.get(operation="list_refunds")
    assert (call.payment_id, call.request) == (payment.pk, {"transaction": payment.gateway_transaction_id, "page": 1})


def test_sync_refunds_of_a_payment_that_never_reached_the_gateway_asks_for_no_list(sandbox):
    payment = PaymentFactory(at="processing")

    assert sync(payment) == []

    assert not GatewayCall.objects.filter(operation="list_refunds").exists()


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_sync_refunds_of_one_still_on_its_way_changes_nothing(status, sandbox, payment, submitted):
    move(sandbox, payment, status)
    before = digest()

    sync(payment)

    assert digest() == before


def test_sync_refunds_processed_part_leaves_the_payment_completed(sandbox, payment, submitted):
    move(sandbox, payment, "processed")

    sync(payment)

    assert steps(submitted) == ["approved", "submitting", "submitted", "processed"]
    assert submitted.next_check_at is None
    assert (payment.state, payment.amount_refunded_minor) == ("completed", 1_650_000)
    assert standing(payment.user) == (15, 0, [25, -10])


def test_sync_refunds_processed_whole_refunds_the_payment(sandbox, payment, submitted):
    submit(request(payment))
    move(sandbox, payment, "processed", which=0)
    sync(payment)
    assert payment.state == "completed"
    move(sandbox, payment, "processed", which=1)

    sync(payment)

    assert (payment.state, payment.amount_refunded_minor) == ("refunded", payment.amount_minor)
    assert payment.state_transitions[-1]["reason"] == "refunded"
    assert (states(payment), standing(payment.user)) == (["processed", "processed"], (0, 0, [25, -10, -15]))


def test_sync_refunds_again_changes_nothing(sandbox, payment):
    submit(request(payment))
    move(sandbox, payment, "processed")
    sync(payment)
    before = digest()

    sync(payment)
    sync(payment, due=Refund.objects.all())

    assert digest() == before


def test_sync_refunds_failed_gives_back_exactly_once(sandbox, payment, submitted):
    move(sandbox, payment, "failed")

    for _ in range(3):
        sync(payment, due=[submitted])

    submitted.refresh_from_db()
    assert (submitted.state, submitted.error_code) == ("failed", "gateway_failed")
    assert (submitted.reversal.amount, submitted.reversal.reverses_id) == (10, submitted.ledger_entry_id)
    assert standing(payment.user) == (25, 0, [25, -10, 10])
    assert (payment.state, payment.amount_refunded_minor) == ("completed", 0)


def test_sync_refunds_failed_leaves_room_for_another(sandbox, payment):
    submit(request(payment))
    move(sandbox, payment, "failed")
    sync(payment)

    submit(request(payment))
    move(sandbox, payment, "processed", which=1)
    sync(payment)

    assert (payment.state, states(payment)) == ("refunded", ["failed", "processed"])
    assert standing(payment.user) == (0, 0, [25, -25, 25, -25])


@pytest.mark.parametrize(
    ("statuses", "went"),
    [
        (["needs-attention"], ["needs_attention"]),
        (["needs-attention", "needs-attention"], ["needs_attention"]),
        (["needs-attention", "processing"], ["needs_attention", "submitted"]),
        (["needs-attention", "pending", "processed"], ["needs_attention", "submitted", "processed"]),
        (["needs-attention", "processed"], ["needs_attention", "processed"]),
        (["needs-attention", "failed"], ["needs_attention", "failed"]),
        (["processed", "failed"], ["processed"]),
    ],
)
def test_sync_refunds_that_needs_attention_goes_on_when_the_gateway_does(statuses, went, sandbox, payment, submitted):
    for status in statuses:
        move(sandbox, payment, status)
        sync(payment)

    assert steps(submitted) == ["approved", "submitting", "submitted", *went]
    amounts = [25, -10, 10] if went[-1] == "failed" else [25, -10]
    assert standing(payment.user) == (sum(amounts), 0, amounts)


def test_sync_refunds_refuses_one_that_failed_and_was_sent_after_all(sandbox, payment, submitted):
    move(sandbox, payment, "failed")
    sync(payment)
    move(sandbox, payment, "processed")

    with pytest.raises(RefundContradictedError, match=submitted.reference):
        sync(payment)

    assert steps(submitted)[-1] == "failed"
    assert standing(payment.user) == (25, 0, [25, -10, 10])


def test_sync_refunds_looks_again_later_and_later(payment, submitted):
    looks = []
    for _ in range(5):
        now = submitted.next_check_at
        sync(payment, now=now, due=[submitted])
        submitted.refresh_from_db()
        looks.append(submitted.next_check_at - now)

    assert looks == [timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=1)]


def test_sync_refunds_by_an_events_nudge_counts_for_no_look(payment, submitted):
    sync(payment, due=[])

    before = submitted.next_check_at
    submitted.refresh_from_db()
    assert (submitted.checks, submitted.next_check_at) == (0, before)


def test_sync_refunds_without_an_answer_changes_nothing(sandbox, payment, submitted):
    move(sandbox, payment, "processed")
    sandbox.script(operation="list_refunds", reference=None, fault="http_500", times=None)
    before = digest()

    with pytest.raises(GatewayUnavailableError):
        sync(payment)

    assert digest() == before


def test_sync_refunds_reads_every_page(sandbox, payment, monkeypatch):
    monkeypatch.setattr(paystack_refunds, "PAGE_SIZE", 2)
    for _ in range(5):
        refund_on_dashboard(sandbox, payment, 1000)

    sync(payment)

    assert len(states(payment)) == 5
    pages = GatewayCall.objects.filter(operation="list_refunds").order_by("started_at", "pk")
    assert [call.request["page"] for call in pages] == [1, 2, 3]


@pytest.mark.parametrize("dashboard_first", [True, False])
def test_of_two_alike_the_one_that_names_ours_is_ours(dashboard_first, sandbox, payment):
    ours = request(payment, "10.00")
    if dashboard_first:
        refund_on_dashboard(sandbox, payment, ours.amount_minor)
    sandbox.script(operation="refund", reference=payment.reference, fault="reset_after_accept")
    submit(ours)
    if not dashboard_first:
        refund_on_dashboard(sandbox, payment, ours.amount_minor)

    sync(payment)

    named = next(row for row in refunds_there(sandbox, payment) if row["merchant_note"] == ours.reference)
    ours.refresh_from_db()
    assert (ours.state, ours.gateway_refund_id) == ("submitted", named["id"])
    assert standing(payment.user) == (5, 0, [25, -10, -10])


def lose(sandbox, payment, amount="10.00"):
    """Send a refund whose answer is lost before the gateway took it."""
    refund = request(payment, amount)
    sandbox.script(operation="refund", reference=payment.reference, fault="http_500")
    return submit(refund)


def test_lost_refund_is_found_by_amount_and_time_where_the_note_is_not_ours(sandbox, payment):
    lost = lose(sandbox, payment)
    number = refund_on_dashboard(sandbox, payment, lost.amount_minor)

    sync(payment)

    lost.refresh_from_db()
    assert (lost.state, lost.gateway_refund_id, len(states(payment))) == ("submitted", number, 1)
    assert standing(payment.user) == (15, 0, [25, -10])


@pytest.mark.parametrize(
    ("amount_minor", "note"), [(1_650_001, None), (1_649_999, None), (1_650_000, "rfd-of-somebody-else")]
)
def test_lost_refund_is_not_found_in_what_is_not_like_it(amount_minor, note, sandbox, payment):
    lost = lose(sandbox, payment)
    refund_on_dashboard(sandbox, payment, amount_minor, merchant_note=note)

    sync(payment)

    lost.refresh_from_db()
    assert (lost.state, lost.gateway_refund_id) == ("unknown", None)
    assert states(payment) == ["unknown", "submitted"]


@pytest.mark.parametrize(("seconds", "is_found"), [(-185, False), (-110, True), (110, True), (185, False)])
def test_lost_refund_is_not_found_in_what_was_made_at_another_time(seconds, is_found, sandbox, payment):
    lost = request(payment, "10.00")
    refund_on_dashboard(sandbox, payment, lost.amount_minor)
    sandbox.script(operation="refund", reference=payment.reference, fault="http_500")
    # Sent so long before or after the other one was made at the gateway.
    sent_at = timezone.now() - timedelta(seconds=seconds)
    refund_submission.submit_refund(refund_id=lost.pk, cause=CAUSE, now=sent_at)

    sync(payment)

    lost.refresh_from_db()
    assert lost.state == ("submitted" if is_found else "unknown")


def test_sync_refunds_of_a_payment_of_which_two_are_waiting_moves_each(sandbox, payment, submitted):
    other = submit(request(payment, "5.00"))
    move(sandbox, payment, "failed", which=0)
    move(sandbox, payment, "processed", which=1)

    sync(payment, now=timezone.now() + timedelta(hours=1), due=[submitted, other])

    assert states(payment) == ["failed", "processed"]
    assert (payment.amount_refunded_minor, standing(payment.user)) == (825_000, (20, 0, [25, -10, -5, 10]))
