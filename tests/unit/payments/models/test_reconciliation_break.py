"""What the database refuses of differences between the books."""

import pytest
from django.utils import timezone

from payments.models import ReconciliationBreak
from tests.factories.refunds import ReconciliationBreakFactory
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import Violation, insert, refused_by, settle, update

NOW = timezone.now()

BIRTHS = [
    Violation("payments_break_kind_known", {"kind": "odd"}, {"kind": "currency"}),
    Violation("payments_break_state_known", {"state": "lost", "closed_at": NOW}),
    Violation("payments_break_closed_has_time", {"closed_at": NOW}),
    Violation("payments_break_closed_has_time", {"state": "gone"}, {"state": "gone", "closed_at": NOW}),
    Violation("payments_break_closed_has_time", {"state": "repaired"}, {"state": "repaired", "closed_at": NOW}),
    Violation("payments_break_dismissed_says_who_and_why", {"dismissal_note": "Settled by hand."}),
]


@pytest.fixture
def unborn(db):
    return ReconciliationBreakFactory.build()


@pytest.mark.parametrize("violation", BIRTHS, ids=str)
def test_insert_against_a_constraint_is_refused(violation, unborn):
    with refused_by(violation.rule):
        insert(unborn, **violation.wrong)

    insert(unborn, **violation.right)
    settle()


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("payments_break_dismissed_says_who_and_why", {"dismissed_by_id": None}),
        ("payments_break_dismissed_says_who_and_why", {"dismissal_note": ""}),
        ("payments_break_dismissed_says_who_and_why", {"state": "gone"}),
        ("payments_break_dismissed_says_who_and_why", {"state": "repaired", "dismissal_note": ""}),
        ("payments_break_dismissed_says_who_and_why", {"state": "open", "closed_at": None}),
        ("payments_break_closed_has_time", {"closed_at": None}),
    ],
    ids=str,
)
def test_insert_dismissed_without_who_or_why_is_refused(rule, wrong, unborn):
    dismissed = {
        "state": "dismissed",
        "closed_at": NOW,
        "dismissed_by_id": UserFactory().pk,
        "dismissal_note": "Settled by hand.",
    }

    with refused_by(rule):
        insert(unborn, **dismissed | wrong)

    insert(unborn, **dismissed)
    settle()


def test_insert_what_is_open_already_is_refused(unborn):
    first = ReconciliationBreakFactory()

    with refused_by("payments_break_open_once"):
        insert(unborn, subject=first.subject)

    insert(ReconciliationBreakFactory.build(subject=first.subject), kind="amount")
    update(first, state="gone", closed_at=NOW)
    insert(unborn, subject=first.subject)
    assert ReconciliationBreak.objects.filter(subject=first.subject).count() == 3


def test_open_again_beside_another_is_refused(unborn):
    first = ReconciliationBreakFactory(state="gone", closed_at=NOW)
    insert(unborn, subject=first.subject)

    with refused_by("payments_break_open_once"):
        update(first, state="open", closed_at=None)


def test_break_says_what_it_is(unborn):
    assert str(unborn) == f"missing_there {unborn.subject} (open)"
