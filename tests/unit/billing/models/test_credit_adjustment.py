"""What the database refuses of adjustments: they are decided once, by another, and post what was asked for."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import DataError

from billing.lifecycles import AdjustmentState
from billing.models import CreditAdjustment
from namaskah.identifiers import ADJUSTMENT_PREFIX, new_reference
from tests.factories.billing import post
from tests.factories.people import CreditAdjustmentFactory, ask
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

pytestmark = pytest.mark.django_db

DECIDED_ONCE = ("credit_adjustments_decided_once", "adjustment % is decided once and changes in nothing else")
BORN_UNDECIDED = ("credit_adjustments_decided_once", "adjustment % must be born undecided")
ANOTHER_ENTRY = ("credit_adjustments_decided_once", "adjustment %: its ledger entry is not what was asked for")
NOW = "2026-11-21 10:00:00+00"

BIRTHS = [
    Violation("billing_adjustment_amount_in_limits", {"amount": "0"}, {"amount": "0.0001"}),
    Violation("billing_adjustment_amount_in_limits", {"amount": "NaN"}, {"amount": "-0.0001"}),
    Violation("billing_adjustment_state_known", {"state": "lost"}),
    Violation("billing_adjustment_state_known", {"state": ""}),
    Violation("billing_adjustment_reason_known", {"reason_code": "whim"}, {"reason_code": "correction"}),
    Violation("billing_adjustment_says_why", {"note": ""}),
    Violation("billing_adjustment_says_why", {"ticket": ""}),
    Violation("billing_adjustment_reference_form", {"reference": "adj-1"}),
    Violation("billing_adjustment_reference_form", {"reference": "rfd-" + "0" * 36}, {"reference": "adj-" + "0" * 36}),
    Violation("billing_adjustment_decision_has_time", {"decided_at": NOW}, behind="credit_adjustments_decided_once"),
    Violation("billing_adjustment_posted_has_entry", {"state": "posted", "needs_approval": False}),
]


@pytest.fixture
def unborn():
    return CreditAdjustmentFactory.build(user=UserFactory(), requested_by=UserFactory())


@pytest.fixture
def waiting():
    """A real one: 60 credits, which is more than one person may give."""
    return ask(UserFactory(), "60")


@pytest.fixture
def approver():
    return UserFactory()


def post_for(adjustment, **changes):
    """Post what approving it posts; return what the row says of it then."""
    terms = {"amount": adjustment.amount, "reference": adjustment.reference} | changes
    return {"state": "posted", "ledger_entry_id": post(terms.pop("user", adjustment.user), **terms).pk}


def decided(by):
    return {"decided_by_id": by.pk, "decided_at": NOW}


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn):
    if violation.behind:
        disable_trigger(CreditAdjustment, violation.behind)

    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    insert(unborn, **violation.right)
    settle()


@pytest.mark.parametrize("amount", ["100000000000000", "-100000000000000", "Infinity"])
def test_insert_amount_beyond_the_column_is_refused(amount, unborn):
    with pytest.raises(DataError):
        insert(unborn, amount=amount)


def test_insert_the_same_key_of_the_same_person_is_refused(unborn):
    insert(unborn)
    again = CreditAdjustmentFactory.build(user=unborn.user, requested_by=unborn.requested_by)

    with refused_by("billing_adjustment_key_once"):
        insert(again, idempotency_key=unborn.idempotency_key)

    insert(again, idempotency_key=unborn.idempotency_key, requested_by_id=UserFactory().pk)


def test_insert_the_same_reference_is_refused(unborn):
    insert(unborn)

    with refused_by("credit_adjustments_reference_key"):
        insert(CreditAdjustmentFactory.build(user=unborn.user, requested_by=UserFactory()), reference=unborn.reference)


def test_insert_two_of_one_ledger_entry_is_refused(waiting, approver):
    disable_trigger(CreditAdjustment, "credit_adjustments_decided_once")
    posted = post_for(waiting)
    update(waiting, **posted, **decided(approver))

    with refused_by("credit_adjustments_ledger_entry_id_key"):
        insert(CreditAdjustmentFactory.build(user=waiting.user, requested_by=approver), **posted, needs_approval=False)


@pytest.mark.parametrize("state", ["awaiting_approval", "posted", "rejected"])
def test_insert_a_decided_one_is_refused(state, unborn, approver):
    entry = post_for(unborn) if state == "posted" else {}

    with refused_by(*BORN_UNDECIDED):
        insert(unborn, **{"state": state} | entry | decided(approver))
    with refused_by(*BORN_UNDECIDED):
        insert(unborn, state="rejected")

    insert(unborn)


def test_insert_a_posted_one_that_needs_approval_is_refused(unborn):
    entry = post_for(unborn)

    with refused_by("billing_adjustment_waits_for_decision"):
        insert(unborn, **entry)

    insert(unborn, **entry, needs_approval=False)


@pytest.mark.parametrize("state", ["posted", "rejected"])
def test_update_that_decides_without_a_person_is_refused(state, waiting, approver):
    decision = post_for(waiting) if state == "posted" else {"state": state}

    with refused_by(*DECIDED_ONCE):
        update(waiting, **decision)

    update(waiting, **decision, **decided(approver))


@pytest.mark.parametrize("state", ["posted", "rejected"])
def test_update_that_decides_ones_own_request_is_refused(state, waiting):
    decision = post_for(waiting) if state == "posted" else {"state": state}

    with refused_by("billing_adjustment_two_persons"):
        update(waiting, **decision, **decided(waiting.requested_by))


def test_update_that_decides_ones_own_request_by_handing_it_to_another_is_refused(waiting, approver):
    with refused_by(*DECIDED_ONCE):
        update(waiting, state="rejected", requested_by_id=approver.pk, **decided(waiting.requested_by))


def test_insert_that_asks_for_oneself_is_refused(unborn):
    with refused_by("billing_adjustment_of_another_person"):
        insert(unborn, requested_by_id=unborn.user_id)

    insert(unborn)


@pytest.mark.parametrize("state", ["posted", "rejected"])
def test_update_that_decides_about_oneself_is_refused(state, waiting, approver):
    decision = post_for(waiting) if state == "posted" else {"state": state}

    with refused_by("billing_adjustment_of_another_person"):
        update(waiting, **decision, **decided(waiting.user))

    update(waiting, **decision, **decided(approver))


def test_update_that_decides_at_no_time_is_refused(waiting, approver):
    with refused_by("billing_adjustment_decision_has_time"):
        update(waiting, state="rejected", decided_by_id=approver.pk)


def test_update_that_rejects_with_an_entry_is_refused(waiting, approver):
    with refused_by("billing_adjustment_posted_has_entry"):
        update(waiting, **post_for(waiting) | {"state": "rejected"}, **decided(approver))


def test_update_that_posts_and_goes_on_waiting_is_refused(waiting, approver):
    with refused_by(*DECIDED_ONCE):
        update(waiting, **post_for(waiting) | {"state": "awaiting_approval"}, **decided(approver))


def test_update_that_posts_without_an_entry_is_refused(waiting, approver):
    with refused_by("billing_adjustment_posted_has_entry"):
        update(waiting, state="posted", **decided(approver))


@pytest.mark.parametrize("first", ["posted", "rejected"])
@pytest.mark.parametrize("second", ["awaiting_approval", "posted", "rejected"])
def test_update_a_decided_one_is_refused(first, second, waiting, approver):
    update(waiting, **post_for(waiting) if first == "posted" else {"state": first}, **decided(approver))
    waiting.refresh_from_db()
    again = {"state": second, **decided(UserFactory())}

    with refused_by(*DECIDED_ONCE):
        update(waiting, **again)
    with refused_by(*DECIDED_ONCE):
        update(waiting, state=second, decided_by_id=None, decided_at=None, ledger_entry_id=None)

    assert CreditAdjustment.objects.get().state == first


@pytest.mark.parametrize("state", ["awaiting_approval", "rejected"])
def test_update_one_that_needed_nobody_is_refused(state, approver):
    posted = ask(UserFactory(), "5")

    with refused_by(*DECIDED_ONCE):
        update(posted, state=state, ledger_entry_id=None, **decided(approver))


CHANGES = {
    "id": UUID(int=0),
    "user_id": None,
    "reference": "adj-" + "0" * 36,
    "idempotency_key": uuid4(),
    "amount": "60.0001",
    "reason_code": "correction",
    "note": "Something else.",
    "ticket": "T-2",
    "requested_by_id": None,
    "needs_approval": False,
    "request_id": "r-2",
    "created_at": NOW,
}
DECISION = {"decided_by", "decided_at", "decision_comment", "state", "ledger_entry"}


def test_every_column_but_the_decision_is_changed_below():
    columns = {field.column for field in CreditAdjustment._meta.local_fields if field.name not in DECISION}

    assert set(CHANGES) == columns


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("is_deciding", [False, True])
def test_update_anything_but_the_decision_is_refused(column, is_deciding, waiting, approver):
    value = CHANGES[column] if CHANGES[column] is not None else UserFactory().pk
    decision = {"state": "rejected", **decided(approver)} if is_deciding else {}

    with refused_by(*DECIDED_ONCE):
        update(waiting, **{column: value}, **decision)

    assert CreditAdjustment.objects.get(pk=waiting.pk).state == AdjustmentState.AWAITING_APPROVAL


@pytest.mark.parametrize("decision_comment", ["", "Seen the ticket."])
def test_update_the_comment_without_a_decision_is_refused(decision_comment, waiting):
    with refused_by(*DECIDED_ONCE):
        update(waiting, decision_comment=decision_comment)


@pytest.mark.parametrize("another", ["user", "amount", "sign", "reference"])
def test_update_with_an_entry_of_something_else_is_refused(another, waiting, approver):
    post(waiting.user, amount=Decimal(100))
    changes = {
        "user": {"user": UserFactory()},
        "amount": {"amount": Decimal("60.0001")},
        "sign": {"amount": Decimal(-60)},
        "reference": {"reference": new_reference(ADJUSTMENT_PREFIX)},
    }[another]

    with refused_by(*ANOTHER_ENTRY):
        update(waiting, **post_for(waiting, **changes), **decided(approver))

    update(waiting, **post_for(waiting), **decided(approver))


def test_update_with_an_entry_of_another_type_is_refused(approver):
    post(customer := UserFactory(), amount=Decimal(100))
    waiting = ask(customer, "-60")

    with refused_by(*ANOTHER_ENTRY):
        update(waiting, **post_for(waiting, type="debit", counter_account="revenue:sms"), **decided(approver))

    update(waiting, **post_for(waiting), **decided(approver))


def test_insert_with_an_entry_of_something_else_is_refused(unborn):
    entry = post_for(unborn, amount=unborn.amount + 1)

    with refused_by(*ANOTHER_ENTRY):
        insert(unborn, **entry, needs_approval=False)


@pytest.mark.parametrize("amount", ["5", "60"])
def test_delete_is_refused(amount):
    adjustment = ask(UserFactory(), amount)

    with refused_by(
        "credit_adjustments_undeleted", "DELETE on credit_adjustments is refused: its rows are append-only"
    ):
        delete(adjustment)


def test_truncate_is_refused(waiting):
    with refused_by(
        "credit_adjustments_untruncated", "TRUNCATE on credit_adjustments is refused: its rows are append-only"
    ):
        truncate(CreditAdjustment)


def test_adjustment_says_where_it_stands(waiting):
    assert str(waiting) == f"60 for user {waiting.user_id} (awaiting_approval)"
