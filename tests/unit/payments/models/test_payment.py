"""What a payment's own steps write, and that it is written through `write` alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import transaction

from namaskah.errors import ConcurrentUpdateError
from payments.lifecycles import PaymentState, ReviewReason, TransitionSource
from payments.models import Cause, PaymentLog
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.factories.users import UserFactory

NOW = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
EVENT = UUID("01937c0e-0000-7000-8000-000000000001")
FULL_CAUSE = Cause(source=TransitionSource.ADMIN, by="grace", event_id=EVENT, request_id="request-1")


def build_payment(**fields: object) -> PaymentLog:
    return PaymentFactory.build(user=UserFactory.build(), **fields)


def told(**changes: object) -> dict[str, object]:
    return {
        "from": "pending",
        "to": "processing",
        "at": "2026-11-21T10:00:00.123456Z",
        "by": "grace",
        "source": "admin",
        "reason": "checkout_opened",
        "event_id": str(EVENT),
        "request_id": "request-1",
    } | changes


def test_record_birth_begins_the_trail():
    payment = build_payment(state_transitions=[])

    payment.record_birth(cause=FULL_CAUSE, now=NOW)

    assert payment.state_transitions == [told(**{"from": None}, to="pending", reason="initialized")]


def test_as_entry_without_person_event_and_request_says_so():
    entry = CAUSE.as_entry(from_state=None, to_state="pending", reason="initialized", now=NOW)

    assert entry == told(
        **{"from": None}, to="pending", by="", source="command", reason="initialized", event_id=None, request_id=""
    )


def test_start_processing_appends_an_entry_and_notes_the_time():
    payment = build_payment(state_transitions=[{"to": "pending"}])

    payment.start_processing(cause=FULL_CAUSE, now=NOW)

    assert payment.state_transitions == [{"to": "pending"}, told()]
    assert (payment.state, payment.processing_started_at) == (PaymentState.PROCESSING, NOW)


def test_complete_keeps_evidence_and_credit_and_ends_every_wait():
    payment = build_payment(
        state_transitions=[], next_check_at=NOW, review_reason="overpaid", error_code="x", error_message="y"
    )
    evidence = EvidenceFactory(of=payment)

    payment.complete(evidence=evidence, credited_amount=Decimal("24.5000"), cause=FULL_CAUSE, now=NOW)

    assert payment.state_transitions == [told(to="completed", reason="paid")]
    assert (payment.state, payment.credited, payment.credited_amount) == ("completed", True, Decimal("24.5000"))
    assert (payment.gateway_transaction_id, payment.amount_paid_minor, payment.gateway_fee_minor) == (
        evidence.gateway_transaction_id,
        4_125_000,
        1500,
    )
    assert (payment.payment_method, payment.paid_at) == ("card", evidence.paid_at)
    assert (payment.processing_completed_at, payment.next_check_at) == (NOW, None)
    assert (payment.review_reason, payment.error_code, payment.error_message) == ("", "", "")


def test_complete_after_a_failure_is_told_as_late_success():
    payment = build_payment(state=PaymentState.FAILED, state_transitions=[])
    evidence = EvidenceFactory(of=payment)

    payment.complete(evidence=evidence, credited_amount=payment.credit_amount, cause=FULL_CAUSE, now=NOW)

    assert payment.state_transitions == [told(**{"from": "failed"}, to="completed", reason="late_success")]


def test_fail_keeps_code_and_the_first_300_characters():
    payment = build_payment(state_transitions=[])

    payment.fail(code="expired", message="x" * 301, cause=FULL_CAUSE, now=NOW)

    assert payment.state_transitions == [told(to="failed", reason="expired")]
    assert (payment.state, payment.error_code, payment.error_message) == ("failed", "expired", "x" * 300)
    assert payment.processing_completed_at == NOW


def test_note_evidence_keeps_the_first_50_characters_of_the_channel():
    payment = build_payment()

    payment.note_evidence(replace(EvidenceFactory(of=payment), channel="c" * 51))

    assert payment.payment_method == "c" * 50


def test_put_under_review_keeps_the_state():
    payment = build_payment()

    payment.put_under_review(ReviewReason.OVERPAID)

    assert (payment.state, payment.review_reason) == ("pending", "overpaid")


@pytest.mark.parametrize(
    ("state", "is_settled"),
    [("pending", False), ("processing", False), ("failed", False), ("completed", True), ("refunded", True)],
)
def test_is_settled_when_credited_or_sent_back(state, is_settled):
    assert build_payment(state=state).is_settled is is_settled


def test_str_names_reference_and_state():
    assert str(build_payment(reference="nmk-1")) == "nmk-1 (pending)"


def test_write_stores_what_changed_and_when(payment):
    payment.start_processing(cause=CAUSE, now=NOW)

    with transaction.atomic():
        PaymentLog.write([payment], now=NOW)

    stored = PaymentLog.objects.get()
    assert (stored.state, stored.lock_version, stored.updated_at) == ("processing", 1, NOW)
    assert stored.state_transitions == payment.state_transitions
    assert stored.processing_started_at == NOW


def test_write_of_a_row_that_another_wrote_meanwhile_is_refused(payment):
    rival = PaymentLog.objects.get()
    rival.checks = 1
    PaymentLog.write([rival], now=NOW)

    payment.checks = 5
    with pytest.raises(ConcurrentUpdateError), transaction.atomic():
        PaymentLog.write([payment], now=NOW + timedelta(seconds=1))

    assert (PaymentLog.objects.get().checks, PaymentLog.objects.get().updated_at) == (1, NOW)


def test_save_of_a_stored_row_is_refused(payment):
    payment.checks = 5

    with pytest.raises(TypeError, match=r"through PaymentLog\.write only"):
        payment.save()

    assert PaymentLog.objects.get().checks == 0
