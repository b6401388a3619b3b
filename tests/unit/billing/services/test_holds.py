from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.lifecycles import CounterAccount, HoldReason, TransactionType
from billing.models import Hold, Transaction, Wallet
from billing.services import holds, ledger
from billing.services.ledger import InsufficientCreditsError
from namaskah.errors import ConcurrentUpdateError
from tests.factories.billing import EntryFactory, post
from tests.factories.refunds import place
from tests.factories.users import UserFactory
from tests.integration import actors

pytestmark = pytest.mark.django_db


def place_up_to(user, amount, reference="rfd-dispute-1"):
    with transaction.atomic():
        return holds.place_hold_up_to(
            user_id=user.pk,
            amount=Decimal(amount),
            reason=HoldReason.DISPUTE,
            reference=reference,
            now=timezone.now(),
        )


def refund_entry(user, **changes):
    """Return what a refund tells the ledger; its amount is wrong on purpose."""
    terms = {"type": TransactionType.REFUND, "counter_account": CounterAccount.GATEWAY_PAYSTACK, "amount": Decimal(-1)}
    return EntryFactory(user_id=user.pk, **terms | changes)


def take(hold, user, **changes):
    with transaction.atomic():
        return holds.take_hold(hold.pk, refund_entry(user, **changes), now=timezone.now())


def release(hold, user):
    with transaction.atomic():
        holds.release_hold(hold.pk, user_id=user.pk, now=timezone.now())


def standing(user):
    """Return balance, held and ledger rows of the user's wallet."""
    wallet = Wallet.objects.get(user=user)
    return wallet.balance, wallet.held, Transaction.objects.filter(user=user).count()


def test_place_hold_keeps_credits_without_a_ledger_entry(user):
    now = timezone.now()

    hold = place(user, "9.9999", reference="rfd-1", now=now)

    assert standing(user) == (10, Decimal("9.9999"), 1)
    assert (hold.state, hold.amount, hold.reference, hold.reason) == ("held", Decimal("9.9999"), "rfd-1", "refund")
    assert (hold.created_at, hold.decided_at, hold.wallet.user_id) == (now, None, user.pk)


def test_place_hold_of_more_than_is_available_is_refused(user):
    place(user, "4")

    with pytest.raises(InsufficientCreditsError) as refusal:
        place(user, "6.0001")

    assert refusal.value.detail == "The wallet has 6.00 available; 6.0001 are needed."
    assert standing(user) == (10, 4, 1)
    assert Hold.objects.count() == 1


def test_place_hold_of_all_that_is_available(user):
    place(user, "4")

    place(user, "6")

    assert standing(user) == (10, 10, 1)


def test_place_hold_of_a_user_without_a_wallet_is_refused():
    nobody = UserFactory()

    with pytest.raises(InsufficientCreditsError):
        place(nobody, "0.0001")

    assert not Hold.objects.exists()


def test_place_hold_twice_for_the_same_thing_is_refused(user):
    first = place(user, "1")

    with pytest.raises(IntegrityError, match="holds_reference_key"):
        place(user, "1", reference=first.reference)

    assert standing(user) == (10, 1, 1)


@pytest.mark.parametrize(("wanted", "there"), [("3", "3"), ("6", "6"), ("6.0001", "6"), ("25", "6")])
def test_place_hold_up_to_holds_what_is_there(wanted, there, user):
    place(user, "4")

    hold = place_up_to(user, wanted)

    assert (hold.amount, hold.reason) == (Decimal(there), "dispute")
    assert standing(user) == (10, 4 + Decimal(there), 1)


def test_place_hold_up_to_holds_nothing_where_nothing_is(user):
    place(user, "10")

    assert place_up_to(user, "1") is None
    assert place_up_to(UserFactory(), "1", "rfd-dispute-2") is None
    assert Hold.objects.count() == 1


def test_take_hold_turns_it_into_one_ledger_entry_of_its_amount(user):
    hold, other = place(user, "2.5001"), place(user, "3")

    entry = take(hold, user, reference="rfd-1")

    assert (entry.amount, entry.balance_after, entry.reference) == (Decimal("-2.5001"), Decimal("7.4999"), "rfd-1")
    assert standing(user) == (Decimal("7.4999"), 3, 2)
    hold.refresh_from_db()
    other.refresh_from_db()
    assert (hold.state, hold.decided_at is None, other.state) == ("taken", False, "held")


def test_take_hold_in_part_lets_the_others_be_spent_again(user):
    hold = place(user, "4")

    with transaction.atomic():
        entry = holds.take_hold(hold.pk, refund_entry(user), amount=Decimal("1.5"), now=timezone.now())

    hold.refresh_from_db()
    assert (entry.amount, hold.state, hold.amount) == (Decimal("-1.5"), "taken", 4)
    assert standing(user) == (Decimal("8.5"), 0, 2)


def test_take_hold_when_everything_is_held(user):
    hold = place(user, "10")

    take(hold, user)

    assert standing(user) == (0, 0, 2)


def test_release_hold_gives_exactly_that_back(user):
    hold, _ = place(user, "2.5001"), place(user, "3")

    release(hold, user)

    assert standing(user) == (10, 3, 1)
    hold.refresh_from_db()
    assert (hold.state, hold.decided_at is None) == ("released", False)


@pytest.mark.parametrize("first", [take, release])
@pytest.mark.parametrize("second", [take, release])
def test_hold_is_decided_once(first, second, user):
    hold = place(user, "4")
    first(hold, user)
    before = standing(user)

    with pytest.raises(ConcurrentUpdateError) as refusal:
        second(hold, user)

    state = "taken" if first is take else "released"
    assert refusal.value.detail == f"The hold for {hold.reference} was {state} before."
    assert standing(user) == before


@pytest.mark.parametrize("decide", [take, release])
def test_hold_of_another_user_is_not_decided(decide, user):
    hold, other = place(user, "4"), UserFactory()
    post(other)

    with pytest.raises(Hold.DoesNotExist):
        decide(hold, other)

    assert standing(user) == (10, 4, 1)


def test_take_hold_whose_entry_is_refused_leaves_it_held(user):
    hold, used = place(user, "4"), post(user, amount=Decimal(1))

    with pytest.raises(IntegrityError, match="sms_transactions_reference_key"):
        take(hold, user, reference=used.reference)

    hold.refresh_from_db()
    assert hold.state == "held"
    assert standing(user) == (11, 4, 2)


@pytest.mark.django_db(transaction=True)
def test_holds_of_sixteen_threads_never_hold_more_than_there_is(user):
    results = actors.run_together([partial(place, user, "3")] * 16)

    assert sorted(type(result).__name__ for result in results) == ["Hold"] * 3 + ["InsufficientCreditsError"] * 13
    assert standing(user) == (10, 9, 1)


@pytest.mark.django_db(transaction=True)
def test_holds_and_debits_at_once_share_what_there_is(user):
    calls = [partial(place, user, "1"), partial(post, user, amount=Decimal(-1))] * 10

    results = actors.run_together(calls)

    made = [type(result).__name__ for result in results]
    assert (made.count("Hold") + made.count("Transaction"), made.count("InsufficientCreditsError")) == (10, 10)
    assert standing(user) == (10 - made.count("Transaction"), made.count("Hold"), 1 + made.count("Transaction"))


@pytest.mark.django_db(transaction=True)
def test_hold_decided_by_eight_threads_is_decided_by_one(user):
    hold = place(user, "4")

    results = actors.run_together([partial(take, hold, user), partial(release, hold, user)] * 4)

    assert [type(result).__name__ for result in results].count("ConcurrentUpdateError") == 7
    hold.refresh_from_db()
    assert standing(user) == ((6, 0, 2) if hold.state == "taken" else (10, 0, 1))


@pytest.mark.django_db(transaction=True)
def test_hold_placed_while_a_debit_is_under_way_waits_for_it(user):
    pause = actors.Pause('INSERT INTO "sms_transactions"')
    debiting = actors.start(pause.of(partial(post, user, amount=Decimal(-7))))
    pause.wait_until_reached()

    holding = actors.start(partial(place, user, "4"))
    actors.wait_until_blocked()
    pause.go_on()

    debiting.result(actors.PATIENCE_SECONDS)
    assert isinstance(holding.exception(actors.PATIENCE_SECONDS), InsufficientCreditsError)
    assert standing(user) == (3, 0, 2)


def test_take_hold_posts_through_the_ledger_with_all_that_the_entry_says(user):
    hold, key = place(user, "4"), uuid4()

    entry = take(hold, user, idempotency_key=key, description="Refund of nmk-1", request_id="r-1")

    assert (entry.type, entry.counter_account) == ("refund", "gateway:paystack")
    assert (entry.idempotency_key, entry.description, entry.request_id) == (key, "Refund of nmk-1", "r-1")
    assert ledger.lock_wallets([user.pk], now=timezone.now())[user.pk].available == 6
