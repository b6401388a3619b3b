"""Who is a second person beside whom."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from namaskah.audit.independence import check_independent, explain_bond
from namaskah.audit.records import record_action
from namaskah.back_office import staff
from namaskah.errors import PermissionDeniedError
from tests.factories.users import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

HANDS_IN = {
    "staff.change_role": partial(staff.change_role, role="Finance"),
    "staff.reset_password": staff.reset_password,
    "staff.reset_second_factor": staff.reset_second_factor,
    "staff.reactivate": staff.reactivate_member,
}


@pytest.fixture
def ada():
    """A superuser."""
    return StaffFactory(username="ada")


@pytest.fixture
def grace():
    return UserFactory(username="grace", is_staff=True)


def bond(asker, decider, *, days=0):
    return explain_bond(asker=asker, decider=decider, now=timezone.now() + timedelta(days=days))


@pytest.mark.parametrize("action", HANDS_IN)
def test_whose_account_was_in_the_hands_of_the_other_is_no_second_person(ada, grace, action):
    if action == "staff.reactivate":
        staff.deactivate_member(user_id=grace.pk, reason="Gone", by=ada)
    HANDS_IN[action](user_id=grace.pk, reason="Asked for", by=ada)

    assert bond(ada, grace) == (
        f"ada had a hand in your account within the last 30 days ({action}): "
        "for a second look somebody else must decide."
    )
    assert bond(grace, ada).startswith("You had a hand in grace's account within the last 30 days")
    with pytest.raises(PermissionDeniedError, match="had a hand in"):
        check_independent(asker=ada, decider=grace, now=timezone.now())


def test_whoever_was_added_is_no_second_person(ada):
    member = staff.add_member(username="puppet", email="p@example.com", role="Finance", by=ada)

    assert "(staff.add)" in bond(ada, member)
    assert bond(StaffFactory(), member) == ""


def test_after_thirty_days_they_are_two_people_again(ada, grace):
    staff.reset_password(user_id=grace.pk, reason="Forgotten", by=ada)

    assert [bool(bond(ada, grace, days=days)) for days in (29, 31)] == [True, False]


def test_what_binds_nobody(ada, grace):
    staff.deactivate_member(user_id=grace.pk, reason="Gone", by=ada)
    record_action(by=ada, action="staff.add", subject="grace", outcome="refused")
    record_action(by=grace, action="staff.reset_second_factor", subject="grace")
    record_action(by=None, action="staff.reset_second_factor", subject="grace")

    assert (bond(ada, grace), bond(grace, ada), bond(None, grace)) == ("", "", "")
    check_independent(asker=ada, decider=grace, now=timezone.now())


def test_to_find_out_takes_one_query(ada, grace, django_assert_num_queries):
    with django_assert_num_queries(1):
        bond(ada, grace)
