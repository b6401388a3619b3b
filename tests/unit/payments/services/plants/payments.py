"""Plants in payments and their keys."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from billing.models import Transaction
from namaskah.idempotency.models import IdempotencyKey
from payments.models import GatewayCall
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.services.plants.planting import breaks, change, copy, credit_of, remove, trail_of, wallet_of


@breaks("completed_is_credited")
def plant_completed_payment_that_was_not_credited(books):
    change(books.failed, state="completed", state_transitions=trail_of(books.failed, "completed"))


@breaks("completed_is_credited")
def plant_credited_payment_that_is_open(books):
    trail = ("state_transitions - -1",)
    change(books.completed, state="pending", state_transitions=trail, next_check_at=timezone.now())


@breaks("credited_has_its_entry")
def plant_credit_in_the_ledger_of_a_payment_that_was_not(books):
    change(
        Transaction.objects.get(user=books.other_user),
        type="credit",
        payment_log_id=books.buy(user=books.other_user).pk,
    )
    remove(books.small_adjustment)


@breaks("credited_has_its_entry")
def plant_credit_of_another_amount(books):
    change(books.completed, credited_amount=Decimal(24))


@breaks("credit_within_paid")
def plant_credit_beyond_what_was_paid(books):
    change(books.completed, amount_paid_minor=books.completed.amount_minor - 2)


@breaks("credit_within_paid")
def plant_credit_of_which_nobody_knows_the_amount(books):
    change(books.completed, amount_paid_minor=None)


@breaks("credit_is_proved")
def plant_credit_that_nobody_announced(books):
    GatewayCall.objects.filter(reference=books.completed.reference).delete()


@breaks("credit_is_proved")
def plant_credit_of_what_the_gateway_called_failed(books):
    execute(
        "UPDATE gateway_calls SET answer = jsonb_set(answer, '{data,status}', '\"failed\"') WHERE payment_id = %s",
        [books.completed.pk],
    )


@breaks("credit_is_proved")
def plant_credit_under_another_number(books):
    change(books.announced, gateway_transaction_id=1)


@breaks("one_credit_per_payment")
def plant_second_credit(books):
    credit = credit_of(books.poor)
    wallet = wallet_of(books.poor.user)
    again = {"sequence": wallet.sequence + 1, "balance_after": wallet.balance + credit.amount, "reference": "again"}
    copy(credit, **again)
    change(wallet, balance=again["balance_after"], sequence=again["sequence"])


@breaks("one_payment_per_transaction")
def plant_transaction_that_pays_twice(books):
    change(books.failed, gateway_transaction_id=books.completed.gateway_transaction_id)


@breaks("one_purchase_per_key")
def plant_second_purchase_under_a_key(books):
    change(books.failed, idempotency_key=books.pending.idempotency_key)


@breaks("key_belongs_to_its_payment")
def plant_key_that_made_another_users_refund(books):
    key = IdempotencyKey.objects.get(resource=books.refund.reference)
    change(key, user_id=books.other_staff.pk)


@breaks("key_belongs_to_its_payment")
def plant_key_that_made_nothing(books):
    key = IdempotencyKey.objects.get(resource=books.refund.reference)
    change(key, resource="nmk-" + "a" * 36)


@breaks("key_is_not_stuck")
def plant_key_that_is_held_for_days(books):
    key = IdempotencyKey.objects.get(resource=books.refund.reference)
    change(key, owner_token=key.pk, locked_at=timezone.now() - timedelta(hours=25))


@breaks("open_payment_is_watched")
def plant_payment_that_nobody_looks_at(books):
    change(books.pending, next_check_at=None)


@breaks("open_payment_is_watched")
def plant_payment_whose_look_is_overdue(books):
    change(books.processing, next_check_at=timezone.now() - timedelta(hours=1, minutes=1))


@breaks("steps_are_allowed")
def plant_step_of_a_payment_that_does_not_exist(books):
    trail = trail_of(books.pending, "refunded", "pending")
    change(books.pending, state_transitions=trail)


@breaks("steps_are_allowed")
def plant_step_of_a_refund_that_does_not_exist(books):
    change(books.waiting, state_transitions=trail_of(books.waiting, "unknown", "awaiting_approval"))


@breaks("steps_are_allowed")
def plant_step_of_a_dispute_that_does_not_exist(books):
    change(books.dispute, state_transitions=trail_of(books.dispute, "won", "open"))


@breaks("trail_is_unbroken")
def plant_trail_without_a_step(books):
    change(books.failed, state_transitions=("state_transitions - 1",))


@breaks("trail_is_unbroken")
def plant_trail_without_its_end(books):
    change(books.won, state_transitions=("state_transitions - -1",))


@breaks("trail_is_unbroken")
def plant_trail_without_its_beginning(books):
    change(books.refund, state_transitions=("state_transitions - 0",))


@breaks("trail_is_unbroken")
def plant_emptytrail_of(books):
    change(books.pending, state_transitions=("'[]'",))


@breaks("trail_is_unbroken")
def plant_trail_that_is_no_list(books):
    change(books.pending, state_transitions=("state_transitions -> 0",))


@breaks("reference_is_sound")
def plant_payment_under_a_foreign_reference(books):
    change(books.pending, reference="order-1")


@breaks("reference_is_sound")
def plant_reference_that_was_given_twice(books):
    change(books.debit, reference=books.reversal.reference)
