"""Plants in refunds, disputes and what they leave behind."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from billing.models import Receivable
from namaskah.identifiers import find_first_id
from payments.models import GatewayCall, Refund
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.services.plants.planting import breaks, change, copy, literal, remove, trail_of


@breaks("refunds_within_payment")
def plant_refunds_beyond_the_payment(books):
    change(books.approved, amount_minor=books.completed.amount_minor)


@breaks("refunded_sum_is_counted")
def plant_refunded_sum_of_nothing(books):
    change(books.completed, amount_refunded_minor=1)


@breaks("refunded_went_back_whole")
def plant_refunded_payment_of_which_a_part_went_back(books):
    change(books.announced, state="refunded", state_transitions=trail_of(books.announced, "refunded"))


@breaks("refunded_went_back_whole")
def plant_whole_amount_back_and_not_refunded(books):
    change(books.refunded, state="completed", state_transitions=("state_transitions - -1",))


@breaks("refund_is_booked")
def plant_refund_that_took_less(books):
    change(books.refund, credit_amount=Decimal(3))


@breaks("refund_is_booked")
def plant_refund_whose_debt_was_forgiven(books):
    change(Receivable.objects.get(reference=books.booked_elsewhere.reference), amount=Decimal("0.5"))


@breaks("refund_is_booked")
def plant_failed_refund_that_kept_the_credits(books):
    change(books.approved, state="failed", state_transitions=trail_of(books.approved, "failed"), next_check_at=None)


@breaks("refund_entry_has_its_case")
def plant_refund_entry_that_two_refunds_claim(books):
    failed = books.failed_refund
    booked = {"ledger_entry_id": failed.ledger_entry_id, "reversal_id": failed.reversal_id}
    trail = (literal(failed.state_transitions),)
    change(books.rejected, state="failed", state_transitions=trail, payment_id=failed.payment_id, **booked)


@breaks("refund_entry_has_its_case")
def plant_refund_entry_of_another_payment(books):
    change(books.refund.ledger_entry, payment_log_id=books.completed.pk)


@breaks("refund_has_two_persons")
def plant_refund_that_one_person_decided(books):
    change(books.rejected, decided_by_id=books.staff.pk)


@breaks("refund_has_two_persons")
def plant_refund_that_nobody_decided(books):
    change(books.rejected, decided_by_id=None)


@breaks("refund_is_watched")
def plant_refund_that_nobody_sends(books):
    change(books.approved, next_check_at=None)


@breaks("refund_is_watched")
def plant_refund_whose_look_is_overdue(books):
    change(books.unknown, next_check_at=timezone.now() - timedelta(hours=1, minutes=1))


@breaks("dispute_is_booked")
def plant_lost_dispute_that_took_nothing(books):
    change(books.lost, ledger_entry_id=None)
    entry = books.lost.ledger_entry
    change(entry, type="debit")
    remove(books.lost.hold)


@breaks("dispute_is_booked")
def plant_lost_dispute_that_took_too_much(books):
    owed = Receivable.objects.get(reference=books.owed.reference)
    change(owed, amount=Decimal(26))


@breaks("dispute_is_booked")
def plant_won_dispute_that_is_owed(books):
    owed = Receivable.objects.get(reference=books.owed.reference)
    copy(owed, reference=books.won.reference, user_id=books.user.pk, payment_log_id=books.won.payment_id)


@breaks("dispute_is_watched")
def plant_dispute_past_due_that_nobody_asks_about(books):
    change(books.dispute, due_at=timezone.now() - timedelta(days=2, minutes=1))
    execute("DELETE FROM gateway_calls WHERE operation = 'fetch_dispute'")


@breaks("dispute_is_watched")
def plant_dispute_past_due_whose_last_look_is_old(books):
    change(books.dispute, due_at=timezone.now() - timedelta(days=2, minutes=1))
    looks = GatewayCall.objects.filter(operation="fetch_dispute", request__dispute=books.dispute.gateway_dispute_id)
    change(looks.get(), id=find_first_id(timezone.now() - timedelta(days=1, minutes=1)))


@breaks("receivable_has_its_case")
def plant_debt_of_another_user(books):
    change(Receivable.objects.get(reference=books.owed.reference), user_id=books.user.pk)


@breaks("receivable_has_its_case")
def plant_debt_for_nothing(books):
    owed = Receivable.objects.get(reference=books.owed.reference)
    copy(owed, reference="rfd-" + "a" * 36)


@breaks("whole_refund_takes_all_credits")
def plant_whole_refund_that_left_credits(books):
    rest_minor = books.completed.amount_minor - books.waiting.amount_minor
    change(books.approved, amount_minor=rest_minor)


@breaks("refund_reversal_has_its_case")
def plant_reversal_of_a_refund_that_did_not_fail(books):
    processed = Refund.objects.get(payment=books.refunded)
    change(books.failed_refund.reversal, reverses_id=processed.ledger_entry_id)


@breaks("collected_debt_is_booked")
def plant_debt_that_was_collected_and_not_booked(books):
    change(Receivable.objects.get(reference=books.owed.reference), collected_amount=Decimal(1))


@breaks("collected_debt_is_booked")
def plant_debt_of_a_dispute_that_was_cancelled(books):
    change(Receivable.objects.get(reference=books.owed.reference), cancelled_at=timezone.now())
