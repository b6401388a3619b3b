"""Every page and every address of the back office, before everybody: the table says what each gets."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse
from django.views import View

from namaskah.back_office.action_pages import ActionPage
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from tests.factories.rows import MAKE
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office.addresses import list_addresses, name_of
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import open_form, send
from tests.integration.back_office.role_table import (
    ADDRESSES,
    ALL,
    PERMISSIONS,
    ROLES,
    SEEN_BY,
    TAKEN_BY,
    permissions_of,
)

pytestmark = pytest.mark.django_db

OURS = ("api_keys", "audit", "back_office", "billing", "idempotency", "observability", "payments")
OUTSIDERS = ("anonymous", "customer")
# What a refused request may leave: an entry in the audit log, and what Django keeps of the session.
LEFT_ALONE = {"audit_log", "django_session", "auth_user"}
# For service accounts, which no member of the staff is.
OF_NO_ROLE = {"billing.debit_wallet"}
_NAMES = ("content_type__app_label", "codename")


def each_address():
    return [pytest.param(address, id=address.name, marks=marks_of(address)) for address in list_addresses()]


def marks_of(address):
    """Return that a page which shows what would change rehearses it in transactions of its own."""
    return [pytest.mark.django_db(transaction=True)] if address.name.startswith("webhook-replay") else []


def list_actions():
    """Return the pages that act, each with its address and the permission that shows what it is about."""
    views = [(address, address.pattern.callback) for address in list_addresses()]
    return [
        pytest.param(
            address, view.view_class, view.view_initkwargs.get("seen_with"), id=address.name, marks=marks_of(address)
        )
        for address, view in views
        if issubclass(getattr(view, "view_class", View), ActionPage)
    ]


@pytest.fixture
def people(staff, anonymous, customer, superuser):
    """One of everybody, by the letters of the table."""
    with_roles = {letter: staff(role) for letter, role in ROLES.items()}
    return {"anonymous": anonymous, "customer": customer, "N": staff(None), "R": superuser, **with_roles}


def ask(client, url, method):
    answer = getattr(client, method)(url)
    if answer.status_code == 302 and answer["Location"].startswith("/admin/login/"):
        return "log-in"
    return answer.status_code


def test_every_model_has_an_entry():
    registered = {model._meta.label_lower for model in admin.site._registry}

    missing = f"say in SEEN_BY and TAKEN_BY of role_table.py who sees {sorted(registered - set(SEEN_BY))}"
    assert registered == set(SEEN_BY) == set(TAKEN_BY), missing


def test_every_address_has_an_entry():
    found = {address.name for address in list_addresses()}

    missing = f"say in ADDRESSES of role_table.py who may use {sorted(found - set(ADDRESSES))}"
    assert found == set(ADDRESSES), missing


def test_every_page_is_read_only():
    assert [page for page in admin.site._registry.values() if not isinstance(page, ReadOnlyAdmin)] == []


@pytest.mark.parametrize("label", SEEN_BY)
def test_model_is_seen_and_taken_by_whom_the_table_says_and_changed_by_nobody(people, label):
    model = apps.get_model(label)
    row = MAKE[model]()
    urls = {page: reverse(f"admin:{name_of(model, page)}") for page in ("changelist", "export", "add")}
    urls |= {page: reverse(f"admin:{name_of(model, page)}", args=[row.pk]) for page in ("change", "history", "delete")}
    before = take_snapshot(without=LEFT_ALONE)

    for who, client in people.items():
        answers = {(page, method): ask(client, url, method) for page, url in urls.items() for method in ("get", "post")}

        if who in OUTSIDERS:
            expected = dict.fromkeys(answers, "log-in")
        else:
            expected = dict.fromkeys(answers, 403)
            seen, taken = who in SEEN_BY[label], who in TAKEN_BY[label]
            if seen:
                expected |= dict.fromkeys([("changelist", "get"), ("changelist", "post")], 200)
                expected |= dict.fromkeys([("change", "get"), ("history", "get"), ("history", "post")], 200)
            if taken:
                expected |= {("export", "get"): 405, ("export", "post"): 200}
        assert answers == expected, who

    assert take_snapshot(without=LEFT_ALONE) == before


@pytest.mark.parametrize("address", each_address())
def test_address_answers_everybody_as_the_table_says(people, address):
    expected = ADDRESSES[address.name]
    url = address.fill()
    before = take_snapshot(without=LEFT_ALONE | {"form_tokens"})

    for who, client in people.items():
        answers = (ask(client, url, "get"), ask(client, url, "post"))

        if who in OUTSIDERS:
            wanted = tuple("log-in" if status == 302 else status for status in expected.outsiders)
        else:
            wanted = (expected.get, expected.post) if who in expected.may else expected.refused
        assert answers == wanted, who

    # Not one of them brought what a form needs.
    assert take_snapshot(without=LEFT_ALONE | {"form_tokens"}) == before


def find_permission(name):
    app, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


@pytest.mark.parametrize(("address", "page", "seen_with"), list_actions())
def test_action_is_for_those_whose_role_has_its_permission_and_sees_its_subject(address, page, seen_with):
    may = {*PERMISSIONS.get(page.permission, "")} & {*PERMISSIONS[seen_with]}

    assert find_permission(page.permission)
    assert set(ADDRESSES[address.name].may) == {*may, "R"}


@pytest.mark.parametrize(("address", "page", "seen_with"), list_actions())
def test_action_on_what_somebody_may_not_see_is_refused(address, page, seen_with):
    member = UserFactory(is_staff=True)
    member.user_permissions.add(find_permission(page.permission))
    client, url = log_in(member), address.fill()

    assert [ask(client, url, "get"), ask(client, url, "post")] in ([403, 403], [302, 403])
    member.user_permissions.add(find_permission(seen_with))
    assert ask(client, url, "post") in {302, 400}


def test_addresses_of_no_page_say_that_there_is_nothing(people):
    for who, client in people.items():
        answers = [ask(client, "/admin/nothing/here/", method) for method in ("get", "post")]

        assert answers == (["log-in"] * 2 if who in OUTSIDERS else [404] * 2), who


@pytest.mark.parametrize("label", SEEN_BY)
def test_short_address_of_a_row_leads_to_it(people, label):
    model = apps.get_model(label)
    row = MAKE[model]()
    short = reverse(f"admin:{name_of(model, 'changelist')}") + f"{row.pk}/"

    assert people["R"].get(short)["Location"] == reverse(f"admin:{name_of(model, 'change')}", args=[row.pk])
    assert [ask(people[who], short, "get") for who in OUTSIDERS] == ["log-in"] * 2


def test_pages_carry_no_scripts_in_themselves(people):
    """The policy forbids them: a browser would drop them and complain."""
    urls = [reverse(f"admin:{name_of(model, 'changelist')}") for model in admin.site._registry]
    urls += [reverse(f"admin:{name_of(model, 'change')}", args=[make().pk]) for model, make in MAKE.items()]

    for url in [reverse("admin:index"), *urls]:
        page = people["R"].get(url).content.decode()
        scripts = re.findall(r"<script(?![^>]*\b(?:src=|type=\"(?:application|text)/(?:json|plain)\"))[^>]*>", page)
        assert (url, scripts, re.findall(r"\son[a-z]+=", page)) == (url, [], [])


def test_roles_are_those_of_the_table():
    roles = {
        group.name: {f"{app}.{codename}" for app, codename in group.permissions.values_list(*_NAMES)}
        for group in Group.objects.all()
    }

    assert roles == {role: permissions_of(letter) for letter, role in ROLES.items()}


def test_every_permission_of_ours_is_given_to_a_role():
    ours = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        if model._meta.app_label in OURS
        for codename, _ in model._meta.permissions
    }

    assert ours - set(PERMISSIONS) == OF_NO_ROLE
    assert {name for name in set(PERMISSIONS) - ours if ".view_" not in name} == set()


def _rights(user):
    user = User.objects.get(pk=user.pk)
    return user.is_superuser, user.is_staff, user.is_active, user.password, user.get_all_permissions()


@pytest.mark.parametrize("who", ALL)
def test_nobody_raises_their_own_rights(people, who):
    client = people[who]
    before = _rights(client.user)
    everything = {
        "is_superuser": "on",
        "is_staff": "on",
        "is_active": "on",
        "groups": [str(group.pk) for group in Group.objects.all()],
        "user_permissions": [str(permission.pk) for permission in Permission.objects.all()[:50]],
        "role": "Finance",
        "reason": "I want to.",
        "password1": "correct horse battery",
        "_save": "Save",
    }

    for address in ("auth_user_change", "staff-change-role", "staff-reset-password", "staff-reactivate"):
        url = reverse(f"admin:{address}", args=[client.user.pk])
        page = client.get(url)
        hidden = dict(re.findall(r'name="(token|version)" value="([^"]*)"', page.content.decode()))
        client.post(url, everything | hidden)
        client.post(f"{url}?_popup=1&_to_field=id", everything | hidden)

    assert _rights(client.user) == before


def test_nobody_but_superusers_gives_rights_to_others(people):
    member = StaffFactory(is_superuser=False)
    for letter in ALL.replace("R", ""):
        for name in ("staff-change-role", "staff-reset-password", "staff-deactivate", "staff-reset-second-factor"):
            url = reverse(f"admin:{name}", args=[member.pk])
            assert people[letter].post(url, {"role": "Finance", "reason": "He asked."}).status_code == 403

    assert not member.groups.exists()
    assert User.objects.get(pk=member.pk).is_active


def test_token_that_a_colleague_was_given_does_nothing_for_another(people):
    wallet = MAKE[apps.get_model("billing.wallet")]()
    url = reverse("admin:wallet-adjust", args=[wallet.pk])
    form = open_form(people["F"], url)

    answer = send(
        people["S"], url, form, direction="give", amount="1", reason_code="goodwill", ticket="T-1", note="Mine."
    )

    assert answer.status_code == 302
    wallet.refresh_from_db()
    assert wallet.sequence == 1


def test_role_taken_away_ends_what_it_allowed_at_once(people):
    people["F"].user.groups.clear()

    assert ask(people["F"], reverse("admin:payments_paymentlog_changelist"), "get") == 403


def test_account_that_is_switched_off_is_out_at_once(people):
    User.objects.filter(pk=people["F"].user.pk).update(is_active=False)

    assert ask(people["F"], reverse("admin:index"), "get") == "log-in"


def test_customer_with_a_role_is_still_no_member_of_the_staff():
    customer = UserFactory()
    customer.groups.add(*Group.objects.all())

    assert ask(log_in(customer), reverse("admin:index"), "get") == "log-in"
