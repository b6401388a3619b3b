from datetime import UTC, datetime

import pytest

from tests.factories.payments import PaymentFactory
from tests.factories.users import StaffFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/payments/paymentlog/"


@pytest.fixture
def staff(client, settings):
    settings.STAFF_SECOND_FACTOR = False
    settings.REPORT_TIME_ZONE = "Africa/Lagos"
    client.force_login(StaffFactory())
    return client


@pytest.fixture
def days():
    """Payments of the last minute of a day in Lagos, of all the next day, and of the first minute after it."""
    # Lagos is one hour ahead of UTC.
    moments = [(19, 22, 59), (19, 23, 0), (20, 22, 59), (20, 23, 0)]
    return [PaymentFactory(created_at=datetime(2026, 11, *moment, tzinfo=UTC)) for moment in moments]


def shown(client, **query):
    return sorted(row.pk for row in client.get(LIST, query).context["cl"].result_list)


def test_days_are_those_of_reports_and_both_are_included(staff, days):
    assert shown(staff, created_at_from="2026-11-20", created_at_to="2026-11-20") == [days[1].pk, days[2].pk]


def test_one_end_is_enough(staff, days):
    assert shown(staff, created_at_from="2026-11-21") == [days[3].pk]
    assert shown(staff, created_at_to="2026-11-19") == [days[0].pk]


def test_what_is_left_empty_narrows_nothing(staff, days):
    assert len(shown(staff, created_at_from="", created_at_to="", currency="")) == 4


def refusal(client, **query):
    answer = client.get(LIST, query)
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?e=1")
    (message,) = client.get(answer["Location"]).context["messages"]
    return str(message)


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2026-11-20T00:00", "\u0660"])
@pytest.mark.parametrize("end", ["created_at_from", "created_at_to"])
def test_what_is_no_day_is_refused(staff, days, day, end):
    assert refusal(staff, **{end: day}).startswith(f'"{day}" is no day.')


@pytest.mark.parametrize("year", ["0001", "1970", "9000", "9999"])
def test_a_day_on_which_nothing_can_have_happened_is_refused(staff, days, year):
    assert refusal(staff, created_at_to=f"{year}-12-31").startswith(f"Nothing happened here in the year {int(year)}.")


@pytest.mark.parametrize(
    ("name", "told"), [("currency", "There is no currency"), ("state__exact", "There is no state")]
)
def test_a_value_that_is_none_of_the_choices_is_refused(staff, days, name, told):
    assert refusal(staff, **{name: "XXX"}) == (f'{told} "XXX". The list is not narrowed by what the address asked for.')


def test_a_filter_that_the_list_does_not_know_is_refused(staff, days):
    assert refusal(staff, nothing="1").startswith("The list knows no such filter.")


def test_each_field_of_a_filter_has_a_label_and_keeps_its_value(staff):
    page = staff.get(LIST, {"state__exact": "failed", "created_at_from": "2026-11-20"}).content.decode()

    for name, label in {
        "state__exact": "State",
        "created_at_from": "Begun from",
        "created_at_to": "Begun to",
        "currency": "Currency",
        "review_reason": "Under review",
        "dead_letter": "Dead letter",
    }.items():
        assert f'for="id_{name}"' in page
        assert label in page
    assert 'value="2026-11-20"' in page
    assert 'aria-label="Search by reference or its beginning' in page
    assert '<option value="failed" selected' in page


def test_a_field_of_few_values_is_narrowed_by_a_plain_field(staff):
    page = staff.get("/admin/auth/user/", {"is_staff__exact": "1"}).content.decode()

    assert '<option value="1" selected>Yes</option>' in page
    assert '<option value="0">No</option>' in page
