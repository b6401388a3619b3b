"""Managing the staff: superusers alone, nobody themselves, each change in the audit log."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from namaskah.audit.models import AuditEntry
from namaskah.back_office.staff import make_password_link
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import keep_form_open, open_form, read_messages, second_tab, send

pytestmark = pytest.mark.django_db

ADD = "/admin/auth/user/add-staff/"
NEW = {"username": "grace", "email": "grace@example.com", "role": "Finance"}
PASSWORD = "a-password-of-the-staff"
ACTIONS = ("role", "deactivate", "reactivate", "reset-second-factor", "reset-password")


def url_of(member, action):
    return f"/admin/auth/user/{member.pk}/{action}/"


def fields_of(action):
    return {"reason": "Left the company."} | ({"role": "Auditor"} if action == "role" else {})


def make_member(role="Support", **fields):
    member = UserFactory(is_staff=True, **fields)
    member.groups.add(Group.objects.get(name=role))
    return member


def changes(action):
    return list(AuditEntry.objects.filter(action=action).order_by("pk").values_list("outcome", "before", "after"))


def read_link(page):
    (path,) = re.findall(r'id="secret">http://testserver(/[^<]+)<', page.content.decode())
    return path


def test_a_new_member_sets_a_password_through_the_link_once(superuser):
    page = send(superuser, ADD, open_form(superuser, ADD), **NEW)

    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    member = User.objects.get(username="grace")
    assert (member.is_staff, member.is_superuser, member.has_usable_password()) == (True, False, False)
    assert [group.name for group in member.groups.all()] == ["Finance"]
    link, browser = read_link(page), Client()
    form = browser.get(link, follow=True)
    assert "<strong>grace</strong>" in form.content.decode()
    done = browser.post(form.redirect_chain[-1][0], {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert done["Location"] == "/admin/login/"
    assert browser.post("/admin/login/", {"username": "grace", "password": PASSWORD}).status_code == 302
    assert "This link was used before" in Client().get(link).content.decode()
    assert changes("staff.add") == [("done", None, {"email": "grace@example.com", "role": "Finance"})]
    assert AuditEntry.objects.get(action="password.set").actor == member


def test_the_link_is_on_no_other_page_and_in_no_session(superuser):
    page = send(superuser, ADD, open_form(superuser, ADD), **NEW)
    token = read_link(page).split("/")[-2]

    assert token not in "".join(Session.objects.get(pk=superuser.session.session_key).get_decoded())
    assert not AuditEntry.objects.filter(after__icontains=token).exists()
    member = User.objects.get(username="grace")
    assert token not in superuser.get(f"/admin/auth/user/{member.pk}/change/").content.decode()


def test_a_form_to_add_sent_again_adds_nobody_and_shows_no_link(superuser):
    form = open_form(superuser, ADD)
    send(superuser, ADD, form, **NEW)

    again = send(superuser, ADD, form, **NEW)

    assert again["Location"] == "/admin/auth/user/"
    assert "This form was sent before" in read_messages(again)[0]
    assert User.objects.filter(username="grace").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_form_to_add_in_two_tabs_at_once_makes_one_account(superuser):
    form = open_form(superuser, ADD)
    tabs = [superuser, second_tab(superuser)]

    answers = run_together([lambda tab=tab: send(tab, ADD, form, **NEW) for tab in tabs])

    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert User.objects.filter(username="grace").count() == 1
    assert len(changes("staff.add")) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"username": "GRACE"}, "There is an account named GRACE already."),
        ({"username": "not a name"}, "Enter a valid username"),
        ({"username": "x" * 151}, "at most 150 characters"),
        ({"username": "a\x00"}, "Null characters are not allowed"),
        ({"email": "nobody"}, "Enter a valid email address"),
        ({"email": ""}, "This field is required"),
        ({"role": "Superuser"}, "is not one of the available choices"),
    ],
)
def test_an_account_that_cannot_be_is_refused(superuser, wrong, told):
    UserFactory(username="Grace")

    page = send(superuser, ADD, open_form(superuser, ADD), **{**NEW, "username": "hopper", **wrong})

    assert page.status_code == 400
    assert told in page.content.decode()
    assert not User.objects.filter(is_staff=True).exclude(pk=superuser.user.pk).exists()


def test_a_link_is_too_old_after_a_day_and_worthless_for_the_deactivated(superuser, settings):
    link = read_link(send(superuser, ADD, open_form(superuser, ADD), **NEW))
    member = User.objects.get(username="grace")

    assert timedelta(days=1).total_seconds() == settings.PASSWORD_RESET_TIMEOUT
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "is too old" in Client().get(link).content.decode()
    settings.PASSWORD_RESET_TIMEOUT = 60
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert "is too old" in Client().get(link).content.decode()
    User.objects.filter(pk=member.pk).update(is_active=True)
    assert Client().get(link).status_code == 302


def test_a_weak_password_is_refused_by_the_link(superuser):
    browser = Client()
    form = browser.get(read_link(send(superuser, ADD, open_form(superuser, ADD), **NEW)), follow=True)

    page = browser.post(form.redirect_chain[-1][0], {"new_password1": "password", "new_password2": "password"})

    assert "too short" in page.content.decode()
    assert not User.objects.get(username="grace").has_usable_password()


@pytest.mark.parametrize(
    "path", ["MQ/x-y", "!/x", "MQ/set-password", "MQ/" + "x" * 500, "%00/%00", "OTk5OTk5OTk5OTk5OTk5/a-b"]
)
def test_links_that_nobody_made_are_refused(client, path):
    StaffFactory()

    assert "This link was used before" in client.get(f"/admin/set-password/{path}/").content.decode()


def test_a_link_sets_no_password_of_a_customer_or_of_a_member_who_has_one(client):
    customer, member = UserFactory(), StaffFactory()
    member.set_password(PASSWORD)
    member.save()

    for user in (customer, member):
        uid, token = make_password_link(user)
        assert default_token_generator.check_token(user, token)
        assert "This link was used before" in client.get(f"/admin/set-password/{uid}/{token}/").content.decode()


def test_a_role_is_changed_and_nothing_stays_beside_it(superuser):
    member = make_member()
    member.user_permissions.add(Permission.objects.get(codename="export_rows"))
    url = url_of(member, "role")

    answer = send(superuser, url, open_form(superuser, url), role="Auditor", reason="Changed teams.")

    assert read_messages(answer) == [f"{member.username} is Auditor now."]
    member = User.objects.get(pk=member.pk)
    assert [group.name for group in member.groups.all()] == ["Auditor"]
    assert member.user_permissions.count() == 0
    before = {"role": "Support", "permissions": ["audit.export_rows"]}
    assert changes("staff.change_role") == [("done", before, {"role": "Auditor", "permissions": []})]


def test_without_a_role_a_member_sees_nothing(superuser):
    member = make_member()
    url = url_of(member, "role")

    send(superuser, url, open_form(superuser, url), role="", reason="On leave.")

    assert User.objects.get(pk=member.pk).get_all_permissions() == set()


def test_the_role_that_they_have_is_refused(superuser):
    member = make_member()
    url = url_of(member, "role")

    page = send(superuser, url, open_form(superuser, url), role="Support", reason="Sure?")

    assert (page.status_code, "has this role already" in page.content.decode()) == (400, True)
    assert [outcome for outcome, _, _ in changes("staff.change_role")] == ["refused"]


def test_a_superuser_has_no_role(superuser):
    url = url_of(StaffFactory(), "role")

    page = send(superuser, url, keep_form_open(superuser, url), role="Support", reason="Less is more.")

    assert "Superusers may do everything" in page.content.decode()


def test_deactivating_ends_every_session_and_nobody_comes_in(superuser):
    member = make_member(password="")
    browsers = [log_in(member), log_in(member)]
    other = log_in(make_member())
    url = url_of(member, "deactivate")

    answer = send(superuser, url, open_form(superuser, url), reason="Left the company.")

    assert read_messages(answer) == [f"{member.username} is deactivated and logged out."]
    assert [browser.get("/admin/").status_code for browser in browsers] == [302, 302]
    assert other.get("/admin/").status_code == 200
    assert Session.objects.count() == 2
    assert changes("staff.deactivate") == [
        ("done", {"is_active": True}, {"is_active": False, "sessions_ended": 2}),
    ]
    assert AuditEntry.objects.get(action="staff.deactivate").reason == "Left the company."


def test_reactivating_lets_in_again_and_opens_no_session_of_before(superuser):
    member = make_member(is_active=False)
    url = url_of(member, "reactivate")

    send(superuser, url, open_form(superuser, url), reason="Came back.")

    member.refresh_from_db()
    assert member.is_active
    assert changes("staff.reactivate") == [("done", {"is_active": False}, {"is_active": True})]


def test_resetting_the_second_factor_forgets_app_and_codes_and_ends_sessions(superuser):
    member = make_member()
    browser = log_in(member)
    TOTPDevice.objects.create(user=member, confirmed=True)
    StaticDevice.objects.create(user=member)
    url = url_of(member, "reset-second-factor")

    send(superuser, url, open_form(superuser, url), reason="Lost the phone.")

    assert TOTPDevice.objects.count() == StaticDevice.objects.count() == 0
    assert browser.get("/admin/").status_code == 302
    assert changes("staff.reset_second_factor") == [
        ("done", {"enrolled": True}, {"enrolled": False, "sessions_ended": 1})
    ]


def test_resetting_the_password_gives_a_link_and_ends_password_and_sessions(superuser):
    member = make_member()
    member.set_password(PASSWORD)
    member.save()
    browser = log_in(member)
    url = url_of(member, "reset-password")

    page = send(superuser, url, open_form(superuser, url), reason="Forgot it.")

    assert browser.get("/admin/").status_code == 302
    assert Client().post("/admin/login/", {"username": member.username, "password": PASSWORD}).status_code == 200
    assert Client().get(read_link(page)).status_code == 302
    assert changes("staff.reset_password") == [
        ("done", {"password": "set"}, {"password": "not set", "sessions_ended": 1})
    ]


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_does_it_to_themselves(superuser, action):
    me = superuser.user
    User.objects.filter(pk=me.pk).update(is_superuser=True)
    url = url_of(me, action)

    page = send(superuser, url, keep_form_open(superuser, url), **fields_of(action))

    assert page.status_code == 400
    assert "Nobody does this to their own account" in page.content.decode()
    after = User.objects.get(pk=me.pk)
    assert (after.is_active, after.is_superuser, after.groups.count()) == (True, True, 0)
    assert after.password == me.password


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", ["Support", "Finance", "Operator", "Auditor", None])
def test_no_role_manages_the_staff(staff, role, action):
    client, member = staff(role), make_member()
    url = url_of(member, action)

    assert client.get(url).status_code == 403
    assert client.post(url, fields_of(action)).status_code == 403
    assert AuditEntry.objects.filter(outcome="refused", reason="not permitted").count() == 2
    assert User.objects.get(pk=member.pk).is_active


@pytest.mark.parametrize("role", ["Support", "Finance", "Operator", "Auditor", None])
def test_no_role_adds_members(staff, role):
    client = staff(role)

    assert (client.get(ADD).status_code, client.post(ADD, NEW).status_code) == (403, 403)
    assert not User.objects.filter(username="grace").exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_right_to_change_accounts_makes_nobody_a_superuser(staff, action):
    """A page opens by a permission, which a shell could give; the service asks for more."""
    client, member = staff(None), StaffFactory()
    client.user.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    url = url_of(member, action)

    page = send(client, url, keep_form_open(client, url), **fields_of(action))

    assert "Only superusers manage the staff" in page.content.decode()
    added = send(client, ADD, open_form(client, ADD), **NEW)
    assert "Only superusers manage the staff" in added.content.decode()
    assert not User.objects.filter(username="grace").exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_customers_are_no_members(superuser, action):
    customer = UserFactory()
    url = url_of(customer, action)

    assert superuser.get(url)["Location"] == "/admin/"
    assert superuser.post(url, fields_of(action))["Location"] == "/admin/"
    assert superuser.get(url_of(User(pk=2**70), action))["Location"] == "/admin/"


def test_only_what_makes_sense_is_offered(superuser):
    member, former, other = make_member(), make_member(is_active=False), StaffFactory()

    offers = {
        user: [offer.label for offer in superuser.get(f"/admin/auth/user/{user.pk}/change/").context["offers"]]
        for user in (member, former, other, superuser.user, UserFactory())
    }

    base = ["Add a note", "Issue an API key", "Give or take credits"]
    assert offers[member] == [*base, "Change the role", "Reset the password", "Reset the second factor", "Deactivate"]
    assert offers[former] == [*base, "Change the role", "Reset the second factor", "Reactivate"]
    assert offers[other] == [*base, "Reset the password", "Reset the second factor", "Deactivate"]
    assert list(offers.values())[3:] == [base[:2], base]


@pytest.mark.parametrize("action", ["role", "deactivate", "reset-second-factor"])
def test_a_page_that_shows_what_is_no_longer_so_does_nothing(superuser, action):
    member = make_member()
    form = open_form(superuser, url_of(member, action))
    member.groups.set(Group.objects.filter(name="Finance"))

    page = send(superuser, url_of(member, action), form, **fields_of(action))

    assert "Something changed since you opened this page" in page.content.decode()
    assert not AuditEntry.objects.filter(action__startswith="staff.", outcome="done").exists()


@pytest.mark.django_db(transaction=True)
def test_one_form_in_two_tabs_at_once_deactivates_once(superuser):
    member = make_member()
    url = url_of(member, "deactivate")
    form = open_form(superuser, url)

    run_together([lambda tab=tab: send(tab, url, form, reason="Left.") for tab in (superuser, second_tab(superuser))])

    assert [outcome for outcome, _, _ in changes("staff.deactivate")] == ["done"]


def test_superusers_alone_see_how_a_member_logs_in(superuser, staff):
    member = make_member()
    url = f"/admin/auth/user/{member.pk}/change/"

    assert "not set up yet" in superuser.get(url).content.decode()
    assert "not set up yet" not in staff("Support").get(url).content.decode()
