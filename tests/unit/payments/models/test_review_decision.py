"""What the database refuses of decisions about reviews: they say why, and never change."""

import pytest

from payments.lifecycles import ReviewOutcome, ReviewReason
from payments.models import ReviewDecision
from tests.factories.people import ReviewDecisionFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import Violation, delete, insert, refused_by, settle, truncate, update

pytestmark = pytest.mark.django_db

BIRTHS = [
    Violation("payments_review_reason_known", {"review_reason": ""}, {"review_reason": "overpaid"}),
    Violation("payments_review_reason_known", {"review_reason": "whim"}),
    Violation("payments_review_outcome_known", {"outcome": ""}, {"outcome": "credited"}),
    Violation("payments_review_outcome_known", {"outcome": "refunded"}, {"outcome": "dismissed"}),
    Violation("payments_review_says_why", {"note": ""}, {"note": "?"}),
]
COLUMNS = {
    "review_reason": "overpaid",
    "outcome": "credited",
    "note": "Something else.",
    "request_id": "r-2",
    "created_at": "2026-11-21",
}


@pytest.fixture
def unborn(payment):
    return ReviewDecisionFactory.build(payment=payment, decided_by=UserFactory())


@pytest.fixture
def decision():
    return ReviewDecisionFactory()


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn):
    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    insert(unborn, **violation.right)
    settle()


@pytest.mark.parametrize("reason", ReviewReason)
@pytest.mark.parametrize("outcome", ReviewOutcome)
def test_insert_of_every_reason_and_outcome_is_taken(reason, outcome, unborn):
    insert(unborn, review_reason=reason, outcome=outcome)

    settle()


@pytest.mark.parametrize("column", COLUMNS)
def test_update_is_refused(column, decision):
    with refused_by("review_decisions_unchanged", "UPDATE on review_decisions is refused: its rows are append-only"):
        update(decision, **{column: COLUMNS[column]})


def test_delete_is_refused(decision):
    with refused_by("review_decisions_unchanged", "DELETE on review_decisions is refused: its rows are append-only"):
        delete(decision)


def test_truncate_is_refused(decision):
    with refused_by(
        "review_decisions_untruncated", "TRUNCATE on review_decisions is refused: its rows are append-only"
    ):
        truncate(ReviewDecision)


def test_decision_says_what_was_decided(decision):
    assert str(decision) == "amount_mismatch dismissed"
