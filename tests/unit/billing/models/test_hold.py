"""What the database refuses of holds: they are decided once, and a wallet's `held` is the sum of the open ones."""

import pytest
from django.utils import timezone

from billing.models import Hold, Wallet
from tests.factories.billing import post
from tests.factories.refunds import HoldFactory, place
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import (
    Violation,
    delete,
    disable_trigger,
    insert,
    refused_by,
    settle,
    truncate,
    update,
)

BIRTHS = [
    Violation("billing_hold_amount_positive", {"amount": "0"}, {"amount": "0.0001"}),
    Violation("billing_hold_amount_positive", {"amount": "-0.0001"}, {"amount": "10"}),
    Violation("billing_hold_amount_positive", {"amount": "NaN"}, {"amount": "10"}),
    Violation("billing_hold_state_known", {"state": "lost", "decided_at": "2026-11-21"}, behind="holds_decided_once"),
    Violation("billing_hold_reason_known", {"reason": "whim"}, {"reason": "dispute"}),
    Violation("billing_hold_decided_has_time", {"decided_at": "2026-11-21"}),
    Violation("billing_hold_decided_has_time", {"state": "taken"}, behind="holds_decided_once"),
]
DECIDED = {"state": "released", "decided_at": timezone.now()}


def hold_in(wallet, hold, **columns):
    """Insert a hold and move its wallet."""
    insert(hold, **columns)
    # In one step with the hold, as the service does.
    update(wallet, held=columns.get("amount", hold.amount))


@pytest.fixture
def unborn(wallet):
    return HoldFactory.build(wallet=wallet)


@pytest.fixture
def held(wallet):
    """A real hold of 4 of the wallet's 10 credits."""
    hold = place(wallet.user, 4)
    settle()
    return hold


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn, wallet):
    if violation.behind:
        disable_trigger(Hold, violation.behind)

    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    hold_in(wallet, unborn, **violation.right)
    settle()


def test_insert_a_second_hold_for_the_same_thing_is_refused(held, wallet):
    with refused_by("holds_reference_key"):
        insert(HoldFactory.build(wallet=wallet, reference=held.reference))


@pytest.mark.parametrize("state", ["taken", "released", "lost", None])
def test_insert_a_decided_hold_is_refused(state, unborn, wallet):
    with refused_by("holds_decided_once", "hold % must be born held"):
        insert(unborn, state=state, decided_at=timezone.now())

    hold_in(wallet, unborn)
    settle()


@pytest.mark.parametrize("state", ["taken", "released"])
def test_update_a_decided_hold_is_refused(state, held, wallet):
    update(held, state=state, decided_at=timezone.now())
    update(wallet, held=0)
    settle()

    for again in ("held", "taken", "released"):
        with refused_by("holds_decided_once", "hold % is decided once and changes in nothing else"):
            update(held, state=again, decided_at=None if again == "held" else timezone.now())

    assert Hold.objects.get().state == state


@pytest.mark.parametrize(
    "columns",
    [
        {"amount": "4.0001"},
        {"reference": "rfd-another"},
        {"reason": "dispute"},
        {"created_at": "2026-01-01"},
        {"id": "00000000-0000-7000-8000-000000000000"},
        {"wallet_id": None},
        {"decided_at": "2026-11-21"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_decided", [False, True])
def test_update_anything_but_the_decision_is_refused(columns, is_decided, held):
    with refused_by("holds_decided_once", "hold % is decided once and changes in nothing else"):
        # A decision must not carry a change of anything else with it.
        update(held, **(DECIDED | columns if is_decided and not columns.keys() & DECIDED.keys() else columns))

    assert Hold.objects.get().state == "held"


def test_update_hold_to_another_wallet_is_refused(held):
    post(other := UserFactory())

    with refused_by("holds_decided_once", "hold % is decided once and changes in nothing else"):
        update(held, wallet_id=Wallet.objects.get(user=other).pk)


@pytest.mark.parametrize("kept", ["0", "9.9999"])
def test_insert_hold_that_the_wallet_does_not_keep_is_refused_at_the_end(kept, unborn, wallet):
    with refused_by("holds_match_wallet", "wallet % holds %, its open holds are %"):
        insert(unborn)
        if kept != "0":
            update(wallet, held=kept)

    hold_in(wallet, unborn)
    settle()


@pytest.mark.parametrize("state", ["taken", "released"])
def test_update_hold_without_the_wallet_is_refused_at_the_end(state, held, wallet):
    with refused_by("holds_match_wallet", "wallet % holds %, its open holds are %"):
        update(held, state=state, decided_at=timezone.now())

    update(held, state=state, decided_at=timezone.now())
    update(wallet, held=0)
    settle()


@pytest.mark.parametrize("kept", ["0", "3.9999", "4.0001", "10"])
def test_update_wallet_without_the_hold_is_refused_at_the_end(kept, held, wallet):
    with refused_by("wallets_match_holds", "wallet % holds %, its open holds are %"):
        update(wallet, held=kept)

    assert Wallet.objects.get().held == 4


def test_insert_wallet_that_holds_something_is_refused_at_the_end(wallet):
    # A wallet is born empty, and an empty one can hold nothing: the rules in front are taken away.
    disable_trigger(Wallet, "wallets_born_empty")
    other = Wallet(user=UserFactory(), balance=1, held=1, created_at=timezone.now(), updated_at=timezone.now())

    with refused_by("wallets_born_without_holds", "wallet % holds %, its open holds are %"):
        insert(other)


def test_hold_of_everything_and_several_at_once_are_taken(wallet):
    place(wallet.user, "3.9999")
    place(wallet.user, "6.0001")

    settle()

    assert (Wallet.objects.get().held, Hold.objects.count()) == (10, 2)


def test_delete_hold_is_refused(held):
    with refused_by("holds_undeleted", "DELETE on holds is refused: its rows are append-only"):
        delete(held)


def test_truncate_holds_is_refused(held):
    with refused_by("holds_untruncated", "TRUNCATE on holds is refused: its rows are append-only"):
        truncate(Hold)


def test_hold_says_what_it_is_for(held):
    assert str(held) == f"4 held for refund {held.reference}"
