"""A person lets a break be, once, with a name and a reason."""

from uuid import uuid4

import pytest
from django.utils import timezone

from payments.services import breaks
from tests.factories.refunds import ReconciliationBreakFactory
from tests.factories.users import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


def dismiss(break_id, **changes):
    terms = {"by": StaffFactory(), "reason": "Agreed with the bank.", "now": timezone.now()} | changes
    return breaks.dismiss_break(break_id=break_id, **terms)


def test_dismiss_break_closes_it_and_says_who_and_why():
    kept, staff, now = ReconciliationBreakFactory(), StaffFactory(), timezone.now()

    dismiss(kept.pk, by=staff, now=now)

    kept.refresh_from_db()
    assert (kept.state, kept.closed_at, kept.dismissed_by, kept.dismissal_note) == (
        "dismissed",
        now,
        staff,
        "Agreed with the bank.",
    )


def test_dismiss_break_that_does_not_exist_is_refused():
    with pytest.raises(breaks.BreakNotFoundError):
        dismiss(uuid4())


@pytest.mark.parametrize("state", ["repaired", "gone"])
def test_dismiss_break_that_is_closed_is_refused(state):
    kept = ReconciliationBreakFactory(state=state, closed_at=timezone.now())

    with pytest.raises(breaks.BreakNotOpenError, match=f"This break is {state}"):
        dismiss(kept.pk)


def test_dismiss_break_twice_keeps_the_first_name():
    kept = ReconciliationBreakFactory()
    first = dismiss(kept.pk).dismissed_by

    with pytest.raises(breaks.BreakNotOpenError):
        dismiss(kept.pk, reason="Again.")

    kept.refresh_from_db()
    assert (kept.dismissed_by, kept.dismissal_note) == (first, "Agreed with the bank.")
