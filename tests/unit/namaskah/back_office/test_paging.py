import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namaskah.back_office import paging
from payments.admin.payments import PaymentLogAdmin
from payments.models import PaymentLog
from tests.factories.payments import PaymentFactory
from tests.factories.users import StaffFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/payments/paymentlog/"


@pytest.fixture
def staff(client, settings, monkeypatch):
    """A superuser before lists of two rows a page."""
    settings.STAFF_SECOND_FACTOR = False
    monkeypatch.setattr(PaymentLogAdmin, "list_per_page", 2)
    client.force_login(StaffFactory())
    return client


def open_list(client, page=1, **query):
    answer = client.get(LIST, {"p": page, **query})
    shown = answer.context["cl"]
    return [row.pk for row in shown.result_list], shown.paginator


def newest():
    return list(PaymentLog.objects.order_by("-created_at", "-id").values_list("pk", flat=True))


def test_pages_hold_each_row_once_and_lead_to_each_other(staff):
    PaymentFactory.create_batch(5)
    rows = newest()

    first, second, third = (open_list(staff, number) for number in (1, 2, 3))

    assert [first[0], second[0], third[0]] == [rows[:2], rows[2:4], rows[4:]]
    assert (first[1].previous_url, first[1].next_url) == ("", "?p=2")
    assert (second[1].previous_url, second[1].next_url) == ("?p=1", "?p=3")
    assert (third[1].previous_url, third[1].next_url) == ("?p=2", "")


def test_a_full_last_page_leads_nowhere(staff):
    PaymentFactory.create_batch(2)

    assert open_list(staff)[1].next_url == ""
    assert "Rows 1 to 2, the last" in staff.get(LIST).content.decode()


def test_pages_keep_search_and_filters(staff):
    PaymentFactory.create_batch(3)

    assert open_list(staff, q="25.00", currency="NGN")[1].next_url == "?currency=NGN&p=2&q=25.00"


@pytest.mark.parametrize("page", ["0", "-1", str(paging.LAST_PAGE + 1), "99999999999999999999"])
def test_a_page_that_there_cannot_be_leads_back_to_the_list(staff, page):
    answer = staff.get(LIST, {"p": page})

    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?e=1")
    (message,) = staff.get(answer["Location"]).context["messages"]
    assert f"This list has no page {int(page)}" in str(message)


def test_a_page_after_the_last_is_empty(staff):
    PaymentFactory()

    assert open_list(staff, 7)[0] == []


def test_the_last_page_that_is_read_says_so(staff, monkeypatch):
    monkeypatch.setattr(paging, "LAST_PAGE", 1)
    PaymentFactory.create_batch(3)

    page = staff.get(LIST).content.decode()

    assert "There are more: narrow the list by a filter or a search" in page
    assert 'rel="next"' not in page


def test_no_list_counts(staff):
    PaymentFactory.create_batch(3)

    with CaptureQueriesContext(connection) as queries:
        staff.get(LIST, {"state__exact": "pending", "_facets": "True", "all": ""})

    counting = re.compile(r"\bCOUNT\(|DISTINCT", re.IGNORECASE)
    assert [query["sql"] for query in queries if counting.search(query["sql"])] == []


def test_an_empty_list_says_so(staff):
    assert "Nobody has begun a purchase yet." in staff.get(LIST).content.decode()


def test_a_search_that_finds_nothing_says_what_it_takes(staff):
    page = staff.get(LIST, {"q": "zzz"}).content.decode()

    assert "Nothing is found by this search and these filters." in page
    assert "The search takes: reference or its beginning" in page
