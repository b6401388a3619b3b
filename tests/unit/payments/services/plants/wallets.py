"""Plants in wallets, ledger and holds."""

from decimal import Decimal

from billing.models import Hold, Transaction
from tests.factories.users import UserFactory
from tests.unit.payments.services.plants.planting import breaks, change, copy, remove, wallet_of


@breaks("wallet_equals_ledger")
def plant_balance_that_no_entry_made(books):
    change(wallet_of(books.other_user), balance=Decimal(4))


@breaks("wallet_equals_ledger")
def plant_sequence_that_no_entry_made(books):
    change(wallet_of(books.other_user), sequence=2)


@breaks("ledger_is_continuous")
def plant_gap_in_the_ledger(books):
    change(Transaction.objects.get(user=books.other_user), sequence=2)


@breaks("ledger_is_continuous")
def plant_balance_after_that_does_not_follow(books):
    change(Transaction.objects.get(user=books.other_user), balance_after=Decimal(4))


@breaks("ledger_belongs_to_owner")
def plant_entry_of_another_user(books):
    change(Transaction.objects.get(user=books.other_user), user_id=books.other_staff.pk)
    change(books.small_adjustment, user_id=books.other_staff.pk)


@breaks("ledger_belongs_to_owner")
def plant_debit_on_another_users_payment(books):
    change(books.debit, payment_log_id=books.poor.pk)


@breaks("balance_not_below_held")
def plant_more_held_than_there_is(books):
    user = UserFactory()
    books.give(user, "10")
    copy(books.waiting.hold, wallet_id=wallet_of(user).pk, amount=Decimal(11), reference="rfd-dispute-1")
    change(wallet_of(user), held=Decimal(11))
    hold = Hold.objects.get(reference="rfd-dispute-1")
    copy(books.dispute, gateway_dispute_id=1, hold_id=hold.pk, payment_id=books.buy(user=user).pk)


@breaks("balance_not_below_held")
def plant_balance_below_nothing(books):
    entry = Transaction.objects.get(user=books.other_user)
    change(entry, amount=Decimal(-3), balance_after=Decimal(-3))
    change(wallet_of(books.other_user), balance=Decimal(-3))
    change(books.small_adjustment, amount=Decimal(-3))


@breaks("held_equals_holds")
def plant_held_without_a_hold(books):
    change(wallet_of(books.other_user), held=Decimal(1))


@breaks("held_equals_holds")
def plant_hold_that_the_wallet_does_not_know(books):
    change(wallet_of(books.user), held=("held - 10",))


@breaks("hold_has_its_case")
def plant_hold_without_a_case(books):
    copy(books.waiting.hold, reference="rfd-" + "a" * 36, amount=Decimal(1))
    change(wallet_of(books.user), held=("held + 1",))


@breaks("hold_has_its_case")
def plant_refund_that_waits_without_its_hold(books):
    change(books.waiting, hold_id=None)
    remove(books.waiting.hold)
    change(wallet_of(books.user), held=("held - 10",))


@breaks("hold_has_its_case")
def plant_hold_in_another_users_wallet(books):
    user = UserFactory()
    books.give(user, "10")
    change(books.waiting.hold, wallet_id=wallet_of(user).pk)
    change(wallet_of(books.user), held=("held - 10",))
    change(wallet_of(user), held=Decimal(10))


@breaks("decided_hold_is_booked")
def plant_taken_hold_without_an_entry(books):
    change(books.rejected.hold, state="taken")


@breaks("decided_hold_is_booked")
def plant_released_hold_that_was_booked(books):
    change(books.refund.hold, state="released")


@breaks("reversals_within_debit")
def plant_reversal_beyond_its_debit(books):
    change(books.reversal, reverses_id=Transaction.objects.get(user=books.other_user).pk)


@breaks("amounts_are_sound")
def plant_payment_of_nothing(books):
    change(books.pending, amount_minor=0)


@breaks("amounts_are_sound")
def plant_amount_that_is_no_number(books):
    change(books.pending, credit_amount="NaN")


@breaks("amounts_are_sound")
def plant_currency_that_is_none(books):
    change(books.pending, currency="ngn")


@breaks("amounts_are_sound")
def plant_debit_that_gives(books):
    change(Transaction.objects.get(user=books.other_user), type="debit")
    remove(books.small_adjustment)


@breaks("adjustment_has_its_request")
def plant_adjustment_that_nobody_asked_for(books):
    remove(books.small_adjustment)


@breaks("adjustment_has_its_request")
def plant_adjustment_of_more_than_was_asked_for(books):
    change(books.small_adjustment, amount=Decimal(2))


@breaks("adjustment_has_its_request")
def plant_adjustment_that_one_person_agreed_to(books):
    change(books.agreed_adjustment, decided_by_id=books.staff.pk)


@breaks("adjustment_has_its_request")
def plant_adjustment_without_a_reason(books):
    change(books.small_adjustment, note="")


@breaks("adjustment_has_its_request")
def plant_adjustment_of_ones_own_wallet(books):
    change(books.waiting_adjustment, requested_by_id=books.user.pk)
