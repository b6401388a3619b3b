"""What the database refuses of refunds beside their steps."""

import json
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from billing.models import Transaction
from namaskah.errors import ConcurrentUpdateError
from namaskah.identifiers import REFUND_PREFIX, new_id, new_reference
from payments.lifecycles import REFUND_ENDED_WITHOUT_MONEY, RefundState
from payments.models import Refund
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import RefundFactory, place
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
from tests.unit.payments.models.refund_steps import NOW, born, change, move_refund, walk
from tests.unit.payments.models.steps import entry

AWAITING, APPROVED, SUBMITTING, UNKNOWN, SUBMITTED, ATTENTION, PROCESSED, FAILED, REJECTED = RefundState

KEY = UUID("0d6c1f0e-0000-4000-8000-000000000000")
BIRTHS = [
    Violation("payments_refund_amounts_positive", {"amount_minor": 0}, {"amount_minor": 1}),
    Violation("payments_refund_amounts_positive", {"amount_minor": -1}, {"amount_minor": 1}),
    Violation("payments_refund_amounts_positive", {"credit_amount": "-0.0001"}, {"credit_amount": "0"}),
    Violation("payments_refund_amounts_positive", {"credit_amount": "NaN"}, {"credit_amount": "0.0001"}),
    Violation("payments_refund_has_reason", {"reason": ""}, {"reason": "x"}),
    Violation("payments_refund_reference_form", {"reference": "rfd-1"}),
    Violation("payments_refund_reference_form", {"reference": "nmk-" + 36 * "0"}, {"reference": "rfd-" + 36 * "0"}),
    Violation("payments_refund_reference_form", {"reference": "rfd-" + 36 * "A"}),
    Violation("payments_refund_waits_for_decision", {"needs_approval": True}),
    Violation("payments_refund_decision_has_time", {"decided_at": NOW}),
    Violation("payments_refund_comment_of_decision", {"decision_comment": "Agreed on the phone."}),
    Violation("payments_refund_submitted_is_known_there", {"gateway_refund_id": None}),
    Violation("payments_refund_state_known", {"state": "paid"}, behind="refunds_by_rule"),
    Violation("refunds_lock_version_check", {"lock_version": -1}, behind="refunds_by_rule"),
    Violation("refunds_checks_check", {"checks": -1}, {"checks": 0}),
]
IDENTITY = ["id", "payment_id", "reference", "idempotency_key", "amount_minor", "credit_amount", "reason", "created_at"]
UNCHANGING = ("refunds_by_rule", "refund %: what was asked for, decided and booked does not change")


def trail(*states):
    return json.dumps([entry(before, after) for before, after in zip((None, *states), states, strict=False)])


@pytest.fixture
def unborn(completed):
    return RefundFactory.build(payment=completed, idempotency_key=None)


@pytest.fixture
def refund(completed):
    return RefundFactory(payment=completed, idempotency_key=uuid4())


@pytest.fixture
def book(completed):
    """Return how the credits of a refund are taken out of the wallet."""
    return lambda: post(completed.user, type="refund", amount=-1, counter_account="gateway:paystack")


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn):
    if violation.rule == "payments_refund_submitted_is_known_there":
        violation.wrong.update(state="submitted", state_transitions=trail("submitted"))
    if violation.behind:
        disable_trigger(Refund, violation.behind)

    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    insert(unborn, **violation.right)
    settle()


def test_insert_with_the_reference_of_another_is_refused(refund):
    with refused_by("refunds_reference_key"):
        insert(RefundFactory.build(payment=PaymentFactory(at="completed"), reference=refund.reference))


def test_insert_with_a_key_that_the_same_person_used_is_refused(unborn):
    mine = {"idempotency_key": KEY, "requested_by_id": UserFactory().pk, "amount_minor": 1}
    insert(unborn, **mine)
    another = {"id": new_id(), "reference": new_reference(REFUND_PREFIX)}

    with refused_by("payments_refund_key_once"):
        insert(unborn, **mine | another)

    insert(unborn, **mine | another | {"requested_by_id": UserFactory().pk})


def test_insert_with_the_gateway_refund_of_another_is_refused(db):
    first, second = (RefundFactory.build(payment=PaymentFactory(at="completed"), **born(SUBMITTED)) for _ in range(2))
    insert(first)

    with refused_by("payments_refund_gateway_refund_once"):
        insert(second, gateway_refund_id=first.gateway_refund_id)

    insert(second)


@pytest.mark.parametrize("first", [SUBMITTING, UNKNOWN])
@pytest.mark.parametrize("second", [SUBMITTING, UNKNOWN])
def test_second_refund_in_doubt_of_one_payment_is_refused(first, second, completed):
    one, other, elsewhere = (
        RefundFactory(payment=payment, amount_minor=1)
        for payment in (completed, completed, PaymentFactory(at="completed"))
    )
    walk(one, [SUBMITTING, UNKNOWN][: 1 + (first == UNKNOWN)])

    if second == UNKNOWN:
        # Only past the trigger, which knows no way to it but through submitting.
        disable_trigger(Refund, "refunds_by_rule")
    with refused_by("payments_refund_one_in_doubt"):
        move_refund(other, second)

    move_refund(elsewhere, second)
    assert Refund.objects.get(pk=other.pk).state == APPROVED


@pytest.mark.parametrize("done", [SUBMITTED, ATTENTION, FAILED])
def test_second_refund_is_submitted_once_the_first_is_out_of_doubt(done, completed):
    one, other = (RefundFactory(payment=completed, amount_minor=1) for _ in range(2))
    walk(one, [SUBMITTING, UNKNOWN, done])

    move_refund(other, SUBMITTING)

    settle()


def test_decision_by_the_person_who_asked_is_refused(completed):
    asked, other = UserFactory(), UserFactory()
    refund = RefundFactory(payment=completed, state=AWAITING, needs_approval=True, requested_by=asked)

    for state in (APPROVED, REJECTED):
        with refused_by("payments_refund_two_persons"):
            move_refund(refund, state, decided_by_id=asked.pk, decided_at=NOW)

    move_refund(refund, APPROVED, decided_by_id=other.pk, decided_at=NOW)


@pytest.mark.parametrize("state", [APPROVED, REJECTED])
def test_step_of_what_waits_without_a_decision_is_refused(state, completed):
    refund = RefundFactory(payment=completed, state=AWAITING, needs_approval=True, requested_by=UserFactory())

    with refused_by("payments_refund_waits_for_decision"):
        move_refund(refund, state)

    assert Refund.objects.get().state == AWAITING


def test_decision_without_a_time_is_refused(completed):
    refund = RefundFactory(payment=completed, state=AWAITING, needs_approval=True, requested_by=UserFactory())

    with refused_by("payments_refund_decision_has_time"):
        move_refund(refund, APPROVED, decided_by_id=UserFactory().pk)

    assert Refund.objects.get().state == AWAITING


def test_small_refund_may_be_decided_by_whoever_asked(completed):
    asked = UserFactory()
    refund = RefundFactory(payment=completed, state=AWAITING, requested_by=asked)

    move_refund(refund, APPROVED, decided_by_id=asked.pk, decided_at=NOW)

    settle()


def test_comment_is_written_with_the_decision_only(completed):
    refund = RefundFactory(payment=completed, state=AWAITING)
    comment = {"decision_comment": "Agreed on the phone."}
    with refused_by("payments_refund_comment_of_decision"):
        change(refund, **comment)

    move_refund(refund, APPROVED, decided_by_id=UserFactory().pk, decided_at=NOW, **comment)

    for later in ("Something else.", "", None):
        with refused_by(*UNCHANGING):
            change(refund, decision_comment=later)


def test_comment_after_a_decision_without_one_is_refused(completed):
    refund = RefundFactory(payment=completed, state=AWAITING)
    move_refund(refund, REJECTED, decided_by_id=UserFactory().pk, decided_at=NOW)

    with refused_by(*UNCHANGING):
        change(refund, decision_comment="Refused by the bank.")


@pytest.mark.parametrize("state", [SUBMITTED, PROCESSED])
def test_step_that_the_gateway_does_not_know_of_is_refused(state, refund):
    walk(refund, [SUBMITTING, UNKNOWN, ATTENTION])

    with refused_by("payments_refund_submitted_is_known_there"):
        change(refund, state=state, state_transitions=trail_with(refund, state))

    move_refund(refund, state)


def trail_with(refund, state):
    return json.dumps([*refund.state_transitions, entry(refund.state, state)])


@pytest.mark.parametrize("route", [(SUBMITTING, FAILED), (SUBMITTING, UNKNOWN, FAILED)])
def test_failed_with_its_credits_kept_is_refused(route, refund, book, completed):
    taken = book()
    change(refund, ledger_entry_id=taken.pk)
    walk(refund, route[:-1])
    with refused_by("payments_refund_without_money_without_credits"):
        move_refund(refund, FAILED)

    reversal = post(completed.user, type="reversal", amount=1, reverses_id=taken.pk)
    move_refund(refund, FAILED, reversal_id=reversal.pk)

    settle()


def test_rejected_with_its_credits_kept_is_refused(completed, book):
    refund = RefundFactory(payment=completed, state=AWAITING)

    with refused_by("payments_refund_without_money_without_credits"):
        move_refund(refund, REJECTED, ledger_entry_id=book().pk)

    move_refund(refund, REJECTED)
    assert set(REFUND_ENDED_WITHOUT_MONEY) == {FAILED, REJECTED}


@pytest.mark.parametrize("state", [SUBMITTED, PROCESSED, ATTENTION])
def test_reversal_of_a_refund_that_did_not_fail_is_refused(state, refund, book, completed):
    taken = book()
    change(refund, ledger_entry_id=taken.pk)
    walk(refund, [SUBMITTING, SUBMITTED] if state != SUBMITTED else [SUBMITTING])
    reversal = post(completed.user, type="reversal", amount=1, reverses_id=taken.pk)

    with refused_by("payments_refund_reversal_of_failed_only"):
        move_refund(refund, state, reversal_id=reversal.pk)

    move_refund(refund, state)


def test_reversal_of_nothing_is_refused(refund, completed):
    walk(refund, [SUBMITTING])
    credit = Transaction.objects.get(user=completed.user)

    with refused_by("payments_refund_reversal_of_failed_only"):
        move_refund(refund, FAILED, reversal_id=credit.pk)

    move_refund(refund, FAILED)


@pytest.mark.parametrize("column", IDENTITY)
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_what_was_asked_for_is_refused(column, is_nothing, refund):
    other = RefundFactory.build(
        payment=PaymentFactory(at="completed"),
        idempotency_key=KEY,
        amount_minor=1,
        credit_amount=1,
        reason="another",
    )

    with refused_by(*UNCHANGING):
        change(refund, **{column: None if is_nothing else getattr(other, column)})

    change(refund, error_message="may change")


def test_update_who_asked_and_whether_a_second_must_agree_is_refused(refund):
    for columns in ({"requested_by_id": UserFactory().pk}, {"needs_approval": True}):
        with refused_by(*UNCHANGING):
            change(refund, **columns)


@pytest.mark.parametrize(
    "column", ["decided_by_id", "decided_at", "gateway_refund_id", "hold_id", "ledger_entry_id", "reversal_id"]
)
@pytest.mark.parametrize("is_nothing", [False, True])
def test_update_what_was_decided_and_booked_is_refused(column, is_nothing, completed, refund, book):
    taken, hold = book(), place(completed.user, 1)
    reversal = post(completed.user, type="reversal", amount=1, reverses_id=taken.pk)
    walk(refund, [SUBMITTING])
    move_refund(
        refund,
        FAILED,
        decided_by_id=UserFactory().pk,
        decided_at=NOW,
        gateway_refund_id=1,
        hold_id=hold.pk,
        ledger_entry_id=taken.pk,
        reversal_id=reversal.pk,
    )
    others = {
        "decided_by_id": UserFactory().pk,
        "decided_at": timezone.now(),
        "gateway_refund_id": 2,
        "hold_id": place(completed.user, 1).pk,
        "ledger_entry_id": reversal.pk,
        "reversal_id": taken.pk,
    }

    with refused_by(*UNCHANGING):
        change(refund, **{column: None if is_nothing else others[column]})

    change(refund, **{column: getattr(refund, column)})


@pytest.mark.parametrize(
    "columns",
    [
        {"state_transitions": "[]"},
        {"state_transitions": "{}"},
        {"state_transitions": json.dumps([entry("awaiting_approval", "approved")])},
        {"state_transitions": json.dumps([entry(None, "submitted")])},
        {"state_transitions": json.dumps([entry(None, "approved")] * 2)},
        {"state_transitions": json.dumps([{k: v for k, v in entry(None, "approved").items() if k != "by"}])},
        {"state_transitions": json.dumps([{k: v for k, v in entry(None, "approved").items() if k != "from"}])},
    ],
    ids=["none", "no_list", "from_elsewhere", "to_elsewhere", "two", "without_by", "without_from"],
)
def test_insert_without_its_one_entry_is_refused(columns, unborn):
    with refused_by("refunds_by_rule", "%: a step adds exactly one entry that tells it to the trail"):
        insert(unborn, **columns)

    insert(unborn)


def test_step_that_does_not_tell_it_to_the_trail_is_refused(refund):
    told = entry("approved", "submitting")
    for planted in (
        [*refund.state_transitions],
        [told],
        [*refund.state_transitions, told, told],
        [told, *refund.state_transitions],
        [*refund.state_transitions, entry("approved", "submitted")],
        [*refund.state_transitions, entry("unknown", "submitting")],
        [{**refund.state_transitions[0], "by": "nobody"}, told],
    ):
        with refused_by("refunds_by_rule", "%: a step adds exactly one entry that tells it to the trail"):
            change(refund, state="submitting", state_transitions=json.dumps(planted))

    move_refund(refund, SUBMITTING)


@pytest.mark.parametrize("columns", [{"lock_version": 1}, {"lock_version": None}], ids=str)
def test_insert_with_a_past_is_refused(columns, unborn):
    with refused_by("refunds_by_rule", "refund % must be born waiting, approved or submitted, at version 0"):
        insert(unborn, **columns)


def test_delete_refund_is_refused(refund):
    with refused_by("refunds_undeleted", "DELETE on refunds is refused: its rows are append-only"):
        delete(refund)


def test_truncate_refunds_is_refused(refund):
    with refused_by("refunds_untruncated", "TRUNCATE on refunds is refused: its rows are append-only"):
        truncate(Refund)


def test_save_of_a_changed_row_is_refused(refund):
    with pytest.raises(TypeError, match=r"Refund rows are changed through Refund\.write only"):
        refund.save()


def test_write_of_a_row_that_changed_meanwhile_is_refused(refund):
    update(refund, lock_version=1, checks=3)

    with pytest.raises(ConcurrentUpdateError), transaction.atomic():
        Refund.write([refund], now=timezone.now())

    assert Refund.objects.get().checks == 3


def test_refund_says_where_it_stands(refund):
    assert str(refund) == f"{refund.reference} (approved)"
