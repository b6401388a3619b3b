import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from namaskah.audit.models import AuditEntry
from namaskah.back_office import staff
from namaskah.back_office.sessions import end_sessions
from namaskah.back_office.staff import MemberError, MemberNotFoundError, UsernameTakenError
from namaskah.errors import PermissionDeniedError
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.actors import Pause, run_together, start, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "Left the company."
CHANGES = [
    staff.deactivate_member,
    staff.reactivate_member,
    staff.reset_password,
    staff.reset_second_factor,
    lambda **arguments: staff.change_role(role="Auditor", **arguments),
]


def test_two_superusers_who_deactivate_each_other_at_once_leave_one():
    first, second = StaffFactory(), StaffFactory()

    results = run_together(
        [
            lambda by=by, other=other: staff.deactivate_member(user_id=other.pk, reason=REASON, by=by)
            for by, other in ((first, second), (second, first))
        ]
    )

    assert sorted(type(result).__name__ for result in results) == ["PermissionDeniedError", "User"]
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.parametrize("change", CHANGES)
def test_whoever_was_a_superuser_when_the_page_was_opened_and_is_none_now_is_refused(change):
    by, member = StaffFactory(), UserFactory(is_staff=True)
    User.objects.filter(pk=by.pk).update(is_superuser=False)

    with pytest.raises(PermissionDeniedError, match="Only superusers"):
        change(user_id=member.pk, reason=REASON, by=by)

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_does_it_to_themselves(change):
    by = StaffFactory()

    with pytest.raises(PermissionDeniedError, match="their own account"):
        change(user_id=by.pk, reason=REASON, by=by)


@pytest.mark.parametrize("change", CHANGES)
def test_customers_and_nobody_are_no_members(change):
    by = StaffFactory()

    for user_id in (UserFactory().pk, 0, 2**70):
        with pytest.raises(MemberNotFoundError):
            change(user_id=user_id, reason=REASON, by=by)


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_done_and_its_audit_entry_come_together_or_not_at_all(change):
    by, member = StaffFactory(), UserFactory(is_staff=True, is_active=change is not staff.reactivate_member)
    before = User.objects.filter(pk=member.pk).values().get()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_log ADD CONSTRAINT refused CHECK (reason <> 'Refuse this.')")
    try:
        with pytest.raises(Exception, match="refused"):
            change(user_id=member.pk, reason="Refuse this.", by=by)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_log DROP CONSTRAINT refused")

    assert User.objects.filter(pk=member.pk).values().get() == before
    assert member.groups.count() == 0


@pytest.mark.parametrize("change", [staff.deactivate_member, staff.reactivate_member])
def test_what_is_so_already_is_refused(change):
    member = UserFactory(is_staff=True, is_active=change is staff.reactivate_member)

    with pytest.raises(MemberError, match="already"):
        change(user_id=member.pk, reason=REASON, by=StaffFactory())


def test_the_same_name_added_by_two_at_once_is_one_account():
    first, second = StaffFactory(), StaffFactory()
    pause = Pause('INSERT INTO "auth_user"')
    slow = start(pause.of(lambda: staff.add_member(username="grace", email="g@example.com", role="", by=first)))
    pause.wait_until_reached()
    staff.add_member(username="grace", email="g@example.com", role="", by=second)
    pause.go_on()

    assert isinstance(slow.exception(20), UsernameTakenError)
    assert User.objects.filter(username="grace").count() == 1


def test_an_unknown_role_is_refused():
    with pytest.raises(MemberError, match="no role"):
        staff.add_member(username="grace", email="g@example.com", role="Superuser", by=StaffFactory())


def test_a_deactivation_waits_for_another_change_of_the_member():
    by, member = StaffFactory(), UserFactory(is_staff=True)
    pause = Pause('INSERT INTO "audit_log"')
    role = start(pause.of(lambda: staff.change_role(user_id=member.pk, role="Auditor", reason="a", by=by)))
    pause.wait_until_reached()
    deactivation = start(lambda: staff.deactivate_member(user_id=member.pk, reason="b", by=by))
    wait_until_blocked()
    pause.go_on()

    assert role.result(20).pk == deactivation.result(20).pk == member.pk
    assert list(AuditEntry.objects.order_by("pk").values_list("reason", flat=True)) == ["a", "b"]


def test_end_sessions_ends_those_of_the_user_alone():
    member, other = UserFactory(is_staff=True), UserFactory(is_staff=True)
    for user in (member, member, other):
        Client().force_login(user)

    assert (end_sessions(member), end_sessions(member), end_sessions(other)) == (2, 0, 1)
