from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from billing.models import CreditAdjustment, Transaction, Wallet
from billing.selectors.wallets import get_balance
from billing.services.adjustments import (
    AdjustmentAmountError,
    AdjustmentKeyReusedError,
)
from billing.services.debits import UserNotFoundError
from billing.services.ledger import InsufficientCreditsError
from namaskah.errors import PermissionDeniedError
from tests.factories.billing import post
from tests.factories.people import AgentFactory, approve, ask, reject
from tests.factories.refunds import place
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory, UserFactory
from tests.integration import actors
from tests.unit.billing.services.adjusting import entries, names, stored

pytestmark = pytest.mark.django_db

NO_AMOUNTS = [
    *("0", "-0", "0.00001", "1.00001", "-1.00001", "1E-30"),
    *("NaN", "sNaN", "-NaN", "Infinity", "-Infinity"),
    *("10000.0001", "-10000.0001", "1E+40"),
]


def afresh(person):
    """Return the person without what this object remembers of their permissions."""
    return User.objects.get(pk=person.pk)


@pytest.mark.parametrize(
    ("amount", "description"),
    [("12.3456", "Credits added by support"), ("-3.4567", "Credits taken back by support")],
)
@pytest.mark.parametrize("reason", ["goodwill", "correction"])
def test_request_adjustment_moves_wallet_and_ledger_once(amount, description, reason, user, agent):
    now = timezone.now()

    made = ask(user, amount, by=agent, reason_code=reason, now=now)

    entry = Transaction.objects.filter(user=user).latest("sequence")
    assert (stored(made).state, stored(made).ledger_entry_id, made.needs_approval) == ("posted", entry.pk, False)
    assert (entry.type, entry.amount, entry.balance_after) == ("adjustment", Decimal(amount), 10 + Decimal(amount))
    assert (entry.counter_account, entry.description) == (f"adjustment:{reason}", description)
    assert (entry.reference, entry.created_by_id, entry.created_at) == (made.reference, agent.pk, now)
    assert (get_balance(user=user), entries(user)) == (10 + Decimal(amount), [Decimal(amount)])


def test_request_adjustment_keeps_what_was_said(user, agent):
    key, now = uuid4(), timezone.now()

    made = stored(ask(user, "1", by=agent, note="Because.", ticket="T-42", idempotency_key=key, now=now))

    assert (made.user, made.requested_by, made.amount, made.reason_code) == (user, agent, 1, "goodwill")
    assert (made.note, made.ticket, made.idempotency_key, made.created_at) == ("Because.", "T-42", key, now)
    assert (made.decided_by, made.decided_at, made.decision_comment) == (None, None, "")


def test_request_adjustment_tells_the_customer_nothing_of_the_note(user):
    ask(user, "1", note="Shouted at us.", ticket="T-7")

    row = Transaction.objects.filter(user=user).latest("sequence")
    assert not [value for value in vars(row).values() if "Shouted" in str(value) or "T-7" in str(value)]


def test_request_adjustment_gives_to_a_user_without_a_wallet():
    newcomer = UserFactory()

    ask(newcomer, "0.0001")

    assert get_balance(user=newcomer) == Decimal("0.0001")


def test_request_adjustment_same_key_again_gives_the_same(user, agent):
    key = uuid4()
    made = ask(user, "5", by=agent, idempotency_key=key)
    before = take_snapshot()

    again = ask(user, "5.0000", by=agent, idempotency_key=key, note="In other words.")

    assert (again.pk, again.ledger_entry_id) == (made.pk, made.ledger_entry_id)
    assert take_snapshot() == before


def test_request_adjustment_same_key_again_after_the_decision_gives_the_decided_one(user, agent, approver):
    key = uuid4()
    approve(ask(user, "60", by=agent, idempotency_key=key), approver)

    again = ask(user, "60", by=agent, idempotency_key=key)

    assert (again.state, entries(user)) == ("posted", [60])


@pytest.mark.parametrize("change", [{"amount": "5.0001"}, {"amount": "-5"}, {"reason_code": "correction"}], ids=str)
def test_request_adjustment_same_key_for_something_else_is_refused(change, user, agent):
    made = ask(user, "5", by=agent, idempotency_key=(key := uuid4()))

    with pytest.raises(AdjustmentKeyReusedError, match=made.reference):
        ask(user, by=agent, idempotency_key=key, **{"amount": "5"} | change)
    with pytest.raises(AdjustmentKeyReusedError):
        ask(UserFactory(), "5", by=agent, idempotency_key=key)

    assert entries(user) == [5]


def test_request_adjustment_same_key_of_another_person_is_another(user, agent):
    key = uuid4()

    ask(user, "5", by=agent, idempotency_key=key)
    ask(user, "5", by=AgentFactory(), idempotency_key=key)

    assert entries(user) == [5, 5]


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_request_adjustment_amount_out_of_bounds_is_refused(amount, user):
    with pytest.raises(AdjustmentAmountError, match=r"from 0\.0001 to 10000\.00 credits, with four decimals at most"):
        ask(user, Decimal(amount))

    assert (entries(user), CreditAdjustment.objects.count()) == ([], 0)


@pytest.mark.parametrize(("amount", "state"), [("0.0001", "posted"), ("10000", "awaiting_approval")])
def test_request_adjustment_amount_at_the_bounds_is_taken(amount, state, user):
    assert ask(user, amount).state == state


@pytest.mark.parametrize("missing", ["note", "ticket"])
def test_request_adjustment_without_saying_why_moves_nothing(missing, user):
    with pytest.raises(IntegrityError, match="billing_adjustment_says_why"):
        ask(user, "5", **{missing: ""})


def test_request_adjustment_of_nobody_is_refused():
    with pytest.raises(UserNotFoundError):
        ask(UserFactory.build(pk=2**31 - 1), "5")


@pytest.mark.parametrize("permission", ["", "approve_adjustment", "request_refund"])
def test_request_adjustment_without_the_permission_is_refused(permission, user):
    with pytest.raises(PermissionDeniedError, match="You may not adjust wallets"):
        ask(user, "5", by=AgentFactory(permission=permission))

    assert entries(user) == []


def test_request_adjustment_of_somebody_dismissed_is_refused(user):
    with pytest.raises(PermissionDeniedError):
        ask(user, "5", by=StaffFactory(is_active=False))

    assert entries(user) == []


@pytest.mark.parametrize("factory", [AgentFactory, StaffFactory])
@pytest.mark.parametrize("amount", ["5", "-5", "60"])
def test_request_adjustment_of_ones_own_wallet_is_refused(factory, amount):
    person = factory()
    post(person, amount=Decimal(100))

    with pytest.raises(PermissionDeniedError, match="Nobody adjusts their own wallet"):
        ask(person, amount, by=person)

    assert entries(person) == []


def test_request_adjustment_debit_of_more_than_is_available_is_refused(user):
    place(user, "4")

    with pytest.raises(InsufficientCreditsError):
        ask(user, "-6.0001")
    assert (entries(user), CreditAdjustment.objects.count()) == ([], 0)
    ask(user, "-6")

    assert (entries(user), Wallet.objects.get(user=user).available) == ([-6], 0)


def test_request_adjustment_debit_that_would_wait_is_refused_as_well_if_it_is_not_there(user):
    post(user, amount=Decimal(90))
    place(user, "40")

    with pytest.raises(InsufficientCreditsError, match=r"only 60\.00 available"):
        ask(user, "-60.0001")
    with pytest.raises(InsufficientCreditsError):
        ask(UserFactory(), "-60")
    assert not CreditAdjustment.objects.exists()

    assert ask(user, "-60").state == "awaiting_approval"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("size", "waits"), [("50", False), ("50.0001", True)])
def test_request_adjustment_above_the_threshold_waits(sign, size, waits, user):
    post(user, amount=Decimal(90))

    made = ask(user, sign * Decimal(size))

    assert (made.needs_approval, made.state) == (waits, "awaiting_approval" if waits else "posted")
    assert (made.ledger_entry is None, len(entries(user))) == (waits, 1 if waits else 2)
    assert get_balance(user=user) == 100 + (0 if waits else sign * Decimal(size))


@pytest.mark.parametrize("size", ["0.0001", "50"])
def test_request_adjustment_with_a_threshold_of_nothing_always_waits(size, user, settings):
    settings.MANUAL_CREDIT_APPROVAL_USD = Decimal(0)

    assert ask(user, size).state == "awaiting_approval"


@pytest.mark.parametrize(
    ("earlier", "next_one", "waits"),
    [
        (["30"], "20", False),
        (["30"], "20.0001", True),
        (["30"], "-20.0001", True),
        (["-30"], "20.0001", True),
        (["-30"], "-20.0001", True),
        (["30", "-20"], "0.0001", True),
        (["30", "-10", "10"], "0.0001", True),
    ],
)
def test_request_adjustment_counts_what_the_person_moved_in_either_direction(earlier, next_one, waits, agent):
    wallets = UserFactory.create_batch(len(earlier) + 1)
    for wallet in wallets:
        post(wallet, amount=Decimal(100))

    made = [ask(wallet, amount, by=agent) for wallet, amount in zip(wallets, [*earlier, next_one], strict=True)]

    assert [adjustment.needs_approval for adjustment in made] == [False] * len(earlier) + [waits]


@pytest.mark.parametrize(("age", "waits"), [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False)])
def test_request_adjustment_counts_24_hours(age, waits, user, agent):
    now = timezone.now()
    ask(user, "50", by=agent, now=now - age)

    assert ask(user, "1", by=agent, now=now).needs_approval is waits


@pytest.mark.parametrize("decide", [approve, reject])
def test_request_adjustment_counts_neither_what_others_moved_nor_what_another_decided(decide, user, agent, approver):
    ask(user, "50", by=AgentFactory())
    decide(ask(user, "60", by=agent), approver)

    assert ask(user, "50", by=agent).needs_approval is False


def test_request_adjustment_counts_the_one_that_approves_for_nothing(user, waiting):
    both = StaffFactory()
    approve(waiting, both)

    assert ask(user, "50", by=both).needs_approval is False


def test_request_adjustment_that_waits_moves_and_holds_nothing(user, waiting):
    wallet = Wallet.objects.get(user=user)
    assert (wallet.balance, wallet.held, wallet.sequence, entries(user)) == (10, 0, 1, [])
    assert (waiting.ledger_entry, waiting.decided_by, waiting.decided_at) == (None, None, None)


@pytest.mark.django_db(transaction=True)
def test_request_adjustment_with_one_key_by_eight_threads_is_one(user, agent):
    key = uuid4()

    results = actors.run_together([lambda: ask(user, "5", by=afresh(agent), idempotency_key=key)] * 8)

    assert {result.pk for result in results} == {CreditAdjustment.objects.get().pk}
    assert (entries(user), get_balance(user=user)) == ([5], 15)


@pytest.mark.django_db(transaction=True)
def test_request_adjustment_with_one_key_for_two_amounts_at_once_is_one(user, agent):
    key = uuid4()
    calls = [partial(ask, user, amount, by=agent, idempotency_key=key) for amount in ("5", "6")]

    results = actors.run_together(calls)

    assert names(results) == ["AdjustmentKeyReusedError", "CreditAdjustment"]
    assert len(entries(user)) == 1


@pytest.mark.django_db(transaction=True)
def test_request_adjustment_two_at_once_that_would_fit_each_by_itself(user, agent):
    other = UserFactory()
    pause = actors.Pause('INSERT INTO "credit_adjustments"')
    earlier = actors.start(pause.of(partial(ask, user, "30", by=agent)))
    pause.wait_until_reached()
    later = actors.start(partial(ask, other, "30", by=agent))
    actors.wait_until_blocked()

    pause.go_on()

    made = [future.result(actors.PATIENCE_SECONDS) for future in (earlier, later)]
    assert [adjustment.needs_approval for adjustment in made] == [False, True]
    assert (entries(user), get_balance(user=other)) == ([30], 0)


@pytest.mark.django_db(transaction=True)
def test_request_adjustment_of_eight_at_once_stays_within_the_threshold(agent):
    users = UserFactory.create_batch(8)

    made = actors.run_together([partial(ask, user, "20", by=agent) for user in users])

    assert sorted(adjustment.needs_approval for adjustment in made) == [False] * 2 + [True] * 6
    assert sum(get_balance(user=user) for user in users) == 40


@pytest.mark.django_db(transaction=True)
def test_request_adjustment_of_two_persons_at_once_do_not_wait_for_each_other(user, agent):
    pause = actors.Pause('INSERT INTO "credit_adjustments"')
    slow = actors.start(pause.of(partial(ask, user, "30", by=agent)))
    pause.wait_until_reached()

    made = ask(UserFactory(), "30")

    pause.go_on()
    assert [made.state, slow.result(actors.PATIENCE_SECONDS).state] == ["posted", "posted"]


@pytest.mark.django_db(transaction=True)
def test_request_adjustment_debits_at_once_take_no_more_than_there_is(user):
    agents = AgentFactory.create_batch(6)

    results = actors.run_together([partial(ask, user, "-3", by=person) for person in agents])

    assert names(results) == ["CreditAdjustment"] * 3 + ["InsufficientCreditsError"] * 3
    assert (entries(user), get_balance(user=user)) == ([-3, -3, -3], 1)
