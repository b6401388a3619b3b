"""What waits for a second person, on one page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from payments.admin import approvals
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.people import approve, ask
from tests.factories.refunds import request
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.reading import count_queries, read, words_of

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/admin/approvals/"
BIG = {"at": "completed", "amount_minor": 41_250_000, "credit_amount": Decimal(250)}


@pytest.fixture
def refund(db):
    payment = PaymentFactory(user=UserFactory(username="bola"), **BIG)
    return request(payment, "150.00", by=StaffFactory(username="sam"), reason="Bought twice")


@pytest.fixture
def adjustment(db):
    user = UserFactory(username="ada")
    post(user, amount=Decimal(100))
    yesterday = timezone.now() - timedelta(days=1, minutes=1)
    return ask(user, "-75", by=StaffFactory(username="tolu"), ticket="T-7", note="Wrong amount", now=yesterday)


def links_of(page):
    return [url for url in (f"{name}/" for name in ("approve", "reject")) if url in page.content.decode()]


def test_it_lists_adjustments_and_refunds_oldest_first_with_reason_and_effect(staff, refund, adjustment):
    page = read(staff("Finance"), URL)

    first = "1 day ago Take 75.00 credits ada Balance 100.00 → 25.00 Correction"
    assert first.replace("Correction", "Goodwill") + ", T-7: Wrong amount tolu Approve" in page
    second = "Refund 247,500.00 NGN bola 247,500.00 NGN to the payer. Credits: 150.00 are held Bought twice sam Approve"
    assert second in page
    assert page.index("Take 75.00") < page.index("Refund 247,500.00")


def test_it_links_to_the_decisions(staff, refund, adjustment):
    content = staff("Finance").get(URL).content.decode()

    for address in (f"payments/refund/{refund.pk}", f"billing/creditadjustment/{adjustment.pk}"):
        for what in ("approve", "reject", "change"):
            assert f"/admin/{address}/{what}/" in content
    assert f'Approve<span class="visually-hidden"> {refund.reference}</span>' in content


def test_what_whoever_looks_asked_for_is_marked(refund, adjustment):
    page = log_in(refund.requested_by).get(URL)

    assert "Bought twice sam Not yours to decide" in words_of(page)
    assert f"{refund.pk}/approve/" not in page.content.decode()
    assert f"{adjustment.pk}/approve/" in page.content.decode()


def test_what_is_about_whoever_looks_is_marked(db):
    owner = StaffFactory()
    request(PaymentFactory(user=owner, **BIG), "150.00")
    ask(owner, "75", by=StaffFactory())

    page = log_in(owner).get(URL)

    assert (words_of(page).count("Not yours to decide"), links_of(page)) == (2, [])


def test_what_was_decided_is_gone_and_an_empty_page_says_so(staff, adjustment):
    approve(adjustment, StaffFactory())

    assert "Nothing waits for a second person." in read(staff("Finance"), URL)


@pytest.mark.parametrize(
    ("permission", "shown"), [("approve_refund", [True, False]), ("approve_adjustment", [False, True])]
)
def test_whoever_decides_about_one_kind_sees_that_kind(staff, refund, adjustment, permission, shown):
    client = staff(None)
    client.user.user_permissions.add(Permission.objects.get(codename=permission))

    page = read(client, URL)

    assert ["Bought twice" in page, "Wrong amount" in page] == shown


@pytest.mark.parametrize("role", ["Support", "Operator", "Auditor", None])
def test_who_decides_about_nothing_sees_neither_page_nor_link(staff, role):
    client = staff(role)

    assert client.get(URL).status_code == 403
    assert URL not in client.get("/admin/password_change/").content.decode()


def test_who_decides_finds_it_in_the_side_bar(staff):
    assert f'href="{URL}"' in staff("Finance").get(URL).content.decode()


@pytest.mark.parametrize("who", ["customer", "anonymous"])
def test_who_is_no_staff_is_sent_to_the_log_in(request, who):
    assert "/admin/login/" in request.getfixturevalue(who).get(URL)["Location"]


def test_it_shows_no_more_than_it_says(staff, monkeypatch, adjustment):
    monkeypatch.setattr(approvals, "SHOWN", 1)
    ask(UserFactory(), "75", note="The newer one")

    page = read(staff("Finance"), URL)

    assert ("Wrong amount" in page, "The newer one" in page, "Up to 1 adjustments" in page) == (True, False, True)


def test_queries_do_not_grow_with_the_rows(staff, refund, adjustment):
    client = staff("Finance")
    count_queries(client, URL)
    before = count_queries(client, URL)

    for _ in range(2):
        ask(UserFactory(), "75")
        request(PaymentFactory(**BIG), "150.00")

    assert count_queries(client, URL) == before


def test_whoever_asked_and_has_left_since_is_marked(staff, refund, adjustment):
    for row in (refund, adjustment):
        row.requested_by.is_active = False
        row.requested_by.save()
    client = staff("Finance")

    page = read(client, URL)

    assert ("T-7: Wrong amount tolu (deactivated)" in page, "Bought twice sam (deactivated)" in page) == (True, True)
    assert "Asked by sam (deactivated)" in read(client, f"/admin/payments/refund/{refund.pk}/change/")
    assert "Asked by tolu (deactivated)" in read(client, f"/admin/billing/creditadjustment/{adjustment.pk}/change/")
