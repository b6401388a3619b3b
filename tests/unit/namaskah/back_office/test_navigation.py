import re

import pytest
from django.contrib.auth.models import Group
from django.urls import resolve

from namaskah.back_office import navigation
from tests.factories.billing import post
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office.conftest import log_in

pytestmark = pytest.mark.django_db

OF_EVERYBODY = ["Dashboard"]
OF_CASES = ["Payments", "Customers"]
OF_MONEY = ["Refunds", "Disputes", "Wallets", "Ledger", "Holds", "Receivables", "Exchange rates"]
OF_OPERATION = ["API keys", "Heartbeats"]


def titles(request):
    groups = navigation.list_links(request)
    return [
        link["title"]
        for group in groups
        for link in group["items"]
        if link.get("permission", lambda _request: True)(request)
    ]


@pytest.fixture
def look(rf):
    def look_as(user):
        request = rf.get("/admin/")
        request.user = user
        return titles(request)

    return look_as


def member(role):
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def test_list_links_of_whoever_has_no_role_is_the_dashboard(look):
    assert look(UserFactory(is_staff=True)) == OF_EVERYBODY


def test_list_links_of_a_superuser_is_every_page(look, rf):
    request = rf.get("/admin/")
    request.user = StaffFactory()

    shown = look(request.user)

    assert len(shown) == sum(len(group["items"]) for group in navigation.list_links(request))
    assert len(set(shown)) == len(shown)
    assert {*OF_EVERYBODY, *OF_CASES, *OF_MONEY, *OF_OPERATION, "Audit log", "Approvals"} <= set(shown)


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("Support", OF_CASES + OF_MONEY, [*OF_OPERATION, "Audit log", "Approvals"]),
        ("Finance", [*OF_CASES, *OF_MONEY, "Approvals"], [*OF_OPERATION, "Audit log"]),
        ("Operator", OF_CASES + OF_OPERATION, [*OF_MONEY, "Audit log", "Approvals"]),
        ("Auditor", [*OF_CASES, *OF_MONEY, *OF_OPERATION, "Audit log"], ["Approvals"]),
    ],
)
def test_list_links_of_a_role_is_what_it_may_see(look, role, shown, hidden):
    links = look(member(role))

    assert set(shown) <= set(links)
    assert set(hidden) & set(links) == set()


@pytest.mark.parametrize("role", ["Support", "Finance", "Operator", "Auditor", None])
def test_every_link_that_is_shown_opens(rf, role):
    user = StaffFactory() if role is None else member(role)
    request = rf.get("/admin/")
    request.user = user
    client = log_in(user)

    for group in navigation.list_links(request):
        for link in group["items"]:
            if link.get("permission", lambda _request: True)(request):
                assert resolve(link["link"])
                assert client.get(link["link"]).status_code == 200, link["title"]


def test_links_stand_on_the_page_for_those_who_may_see_them_alone():
    page = log_in(member("Support")).get("/admin/").content.decode()

    assert 'href="/admin/payments/paymentlog/"' in page
    assert 'href="/admin/api_keys/apikey/"' not in page
    assert 'href="/admin/audit/auditentry/"' not in page


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/admin/", []),
        ("/admin/payments/paymentlog/", ["Dashboard"]),
        ("/admin/payments/paymentlog/1/change/", ["Dashboard", "Payments"]),
        ("/admin/billing/wallet/1/adjust/", ["Dashboard"]),
        ("/admin/password_change/", ["Dashboard"]),
    ],
)
def test_list_way_leads_back_over_what_whoever_looks_may_see(rf, path, way):
    request = rf.get(path)
    request.user = member("Operator")

    assert [step["title"] for step in navigation.list_way(request)] == way


def test_a_row_and_an_action_lead_back_to_their_list_and_their_row():
    client = log_in(StaffFactory())
    wallet = post(UserFactory(username="ada")).user.wallet

    row = client.get(f"/admin/billing/wallet/{wallet.pk}/change/").content.decode()
    action = client.get(f"/admin/billing/wallet/{wallet.pk}/adjust/").content.decode()

    assert '<li><a href="/admin/billing/wallet/">Wallets</a></li>' in row
    assert '<li><a href="/admin/billing/wallet/">Wallets</a></li>' in action
    assert f'<li><a href="/admin/billing/wallet/{wallet.pk}/change/">ada</a></li>' in action


def test_a_list_is_called_as_in_the_side_bar():
    page = log_in(StaffFactory()).get("/admin/auth/user/").content.decode()

    assert re.search("<title>\\s*Customers | Namaskah payments</title>", page)
    assert re.findall("<h1[^>]*>(.*?)</h1>", page) == ["Customers"]
