"""The dashboard: what needs whoever looks comes first, each number leads to its list and hides from some."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.lifecycles import AdjustmentState
from payments.lifecycles import EventStatus, PaymentState, RefundState
from payments.models import PaymentLog
from payments.selectors import dashboard, dashboard_piles
from tests.factories.payments import PaymentFactory, WebhookEventFactory, bring_to
from tests.factories.people import CreditAdjustmentFactory
from tests.factories.refunds import DisputeFactory, ReconciliationBreakFactory, RefundFactory
from tests.factories.workers import hear_worker

pytestmark = pytest.mark.django_db

PILES = [
    "Dead letters",
    "Payments under review",
    "Refunds that need attention",
    "Refunds that do not move",
    "Open disputes",
    "Refunds to decide",
    "Adjustments to decide",
    "Reconciliation breaks",
    "Quarantined events",
    "Events waiting",
]
# Of these there is none even where much waits.
NONE = ["Refunds that need attention", "Refunds that do not move", "Events waiting"]


@pytest.fixture(autouse=True)
def _worker_lives(db):
    hear_worker()


@pytest.fixture
def busy():
    """One of everything that waits."""
    WebhookEventFactory(status=EventStatus.DEAD, error_class="X", next_attempt_at=None)
    WebhookEventFactory(status=EventStatus.QUARANTINED, error_class="X", next_attempt_at=None)
    RefundFactory(state=RefundState.AWAITING_APPROVAL)
    DisputeFactory(due_at=timezone.now() + timedelta(days=9))
    ReconciliationBreakFactory()
    CreditAdjustmentFactory()
    payment = PaymentFactory()
    bring_to(payment, PaymentState.PROCESSING)
    PaymentLog.objects.filter(pk=payment.pk).update(review_reason="overpaid", lock_version=payment.lock_version + 1)


def read(client):
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return answer


def list_names(answer, part):
    return [tile.name for tile in answer.context[part]]


def find_tile(answer, name):
    tiles = [*answer.context["needs"], *answer.context["waits"]]
    tiles += [tile for period in answer.context["periods"] for tile in period.tiles]
    return next(tile for tile in tiles if tile.name == name)


def test_dashboard_of_a_new_installation_says_how_it_begins(superuser):
    page = read(superuser).content.decode()

    assert "No payments yet" in page
    assert "Nothing waits for you." in page
    assert "Last 30 days" not in page


def test_dashboard_shows_what_was_paid_and_how_the_rest_ended(superuser):
    for state in (PaymentState.COMPLETED, PaymentState.COMPLETED, PaymentState.FAILED):
        bring_to(PaymentFactory(), state)
    PaymentFactory(next_check_at=timezone.now())

    answer = read(superuser)

    today, month = answer.context["periods"]
    assert [(tile.name, tile.value) for tile in month.tiles] == [
        ("Paid, in credits", "50.00"),
        ("Success share", "66.7%"),
        ("Median time to credit", month.tiles[2].value),
        ("Failed", "1"),
        ("Not ended", "1"),
    ]
    assert month.tiles[0].more == ["2 payments", "82,500.00 NGN"]
    assert [(cause.name, cause.value) for cause in month.causes] == [("Declined by Paystack or the bank", "1")]
    assert (today.title, month.title) == ("Today", "Last 30 days")
    assert re.search(r"Figures as of \d\d:\d\d:\d\d WAT", answer.content.decode())


def test_dashboard_draws_charts_that_can_be_read_as_tables(superuser):
    bring_to(PaymentFactory(), PaymentState.COMPLETED)

    page = read(superuser).content.decode()

    assert page.count("<svg viewBox") == 2
    assert page.count("The same as a table") == 2
    assert "Inbox lag, last 24 hours" in page


@pytest.mark.usefixtures("busy")
def test_dashboard_puts_what_needs_whoever_looks_first_by_urgency(superuser):
    answer = read(superuser)

    assert list_names(answer, "needs") == [name for name in PILES if name not in NONE]
    assert list_names(answer, "waits") == NONE
    page = answer.content.decode()
    assert page.index("Needs you") < page.index("Today") < page.index("Waits for colleagues")


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("role", "needs", "sees"),
    [
        ("Support", ["Dead letters", "Quarantined events"], PILES),
        ("Finance", [name for name in PILES if name not in NONE], PILES),
        (
            "Operator",
            ["Dead letters", "Quarantined events"],
            ["Dead letters", "Payments under review", "Reconciliation breaks", "Quarantined events", "Events waiting"],
        ),
        ("Auditor", [], PILES),
    ],
)
def test_dashboard_shows_each_role_what_it_may_see(staff, role, needs, sees):
    answer = read(staff(role))

    assert list_names(answer, "needs") == needs
    assert set(list_names(answer, "needs") + list_names(answer, "waits")) == set(sees)


@pytest.mark.usefixtures("busy")
def test_dashboard_shows_nothing_to_staff_without_a_role(staff):
    answer = read(staff(None))

    assert (answer.context["periods"], answer.context["charts"], answer.context["needs"]) == ([], [], [])
    assert "Ask an administrator" in answer.content.decode()
    assert "Dead letters" not in answer.content.decode()


@pytest.mark.parametrize("client_name", ["customer", "anonymous"])
def test_dashboard_is_for_staff_alone(request, client_name):
    assert request.getfixturevalue(client_name).get("/admin/").status_code == 302


def test_dashboard_puts_disputes_on_top_when_time_runs_out(superuser):
    WebhookEventFactory(status=EventStatus.DEAD, error_class="X", next_attempt_at=None)
    DisputeFactory(due_at=timezone.now() + timedelta(hours=30, minutes=1))

    answer = read(superuser)

    assert list_names(answer, "needs") == ["Open disputes", "Dead letters"]
    assert answer.context["needs"][0].more == ["nearest deadline in 1\N{NO-BREAK SPACE}day"]


def test_dashboard_says_that_a_deadline_has_passed(superuser):
    DisputeFactory(due_at=timezone.now() - timedelta(hours=5, minutes=1))

    assert find_tile(read(superuser), "Open disputes").more == ["a deadline passed 5\N{NO-BREAK SPACE}hours ago"]


def test_dashboard_does_not_ask_people_to_decide_on_their_own_requests(staff):
    finance = staff("Finance")
    CreditAdjustmentFactory(requested_by=finance.user)
    RefundFactory(state=RefundState.AWAITING_APPROVAL, requested_by=finance.user)

    mine, others = read(finance), read(staff("Finance"))

    assert (list_names(mine, "needs"), list_names(others, "needs")) == (
        [],
        ["Refunds to decide", "Adjustments to decide"],
    )
    # That they wait, they are told.
    assert find_tile(mine, "Adjustments to decide").value == "1"


def test_dashboard_counts_what_waits_anew_at_each_look(superuser):
    adjustment = CreditAdjustmentFactory()
    before = find_tile(read(superuser), "Adjustments to decide").value
    adjustment.state = AdjustmentState.REJECTED
    adjustment.decided_by, adjustment.decided_at = User.objects.get(pk=superuser.user.pk), timezone.now()
    adjustment.save()

    assert (before, find_tile(read(superuser), "Adjustments to decide").value) == ("1", "0")


@pytest.mark.usefixtures("busy")
def test_dashboard_leads_to_the_lists_behind_its_numbers(superuser):
    bring_to(PaymentFactory(), PaymentState.COMPLETED)
    bring_to(PaymentFactory(), PaymentState.FAILED)
    page = read(superuser).content.decode()
    links = [
        html.unescape(link) for link in re.findall(r'href="(/admin/[^"]*changelist[^"]*|/admin/[^"]*\?[^"]*)"', page)
    ]
    assert len(links) >= 18

    for link in links:
        answer = superuser.get(link)
        # Django sends whoever asks for a filter that it does not know to the list with ?e=1.
        assert (link, answer.status_code) == (link, 200)


@pytest.mark.parametrize("name", ["Failed", "Not ended", "Dead letters", "Payments under review"])
@pytest.mark.usefixtures("busy")
def test_dashboard_leads_to_as_many_rows_as_it_says(superuser, name):
    bring_to(PaymentFactory(), PaymentState.COMPLETED)
    bring_to(PaymentFactory(), PaymentState.FAILED)
    tile = find_tile(read(superuser), name)

    listed = superuser.get(tile.url).context["cl"].result_list

    assert len(listed) == int(tile.value)


def test_dashboard_shows_the_rest_when_something_takes_too_long(superuser, monkeypatch):
    bring_to(PaymentFactory(), PaymentState.COMPLETED)
    monkeypatch.setattr(dashboard, "_LAGS", "SELECT pg_sleep(5)")
    monkeypatch.setattr(dashboard, "_PATIENCE_MILLISECONDS", 700)

    page = read(superuser).content.decode()

    assert "took too long to add up the inbox" in page
    assert "Paid per day" in page


def test_dashboard_comes_when_even_counting_takes_too_long(superuser, monkeypatch):
    monkeypatch.setattr(dashboard_piles, "_measure", lambda _by: _sleep())
    monkeypatch.setattr(dashboard_piles, "_PATIENCE_MILLISECONDS", 100)

    assert "takes too long to count what waits" in read(superuser).content.decode()


def test_dashboard_takes_as_many_queries_for_three_rows_as_for_one(superuser):
    counted = []
    for number in (1, 2):
        for _ in range(number):
            bring_to(PaymentFactory(), PaymentState.COMPLETED)
            WebhookEventFactory(status=EventStatus.DEAD, error_class="X", next_attempt_at=None)
        _forget_figures()
        counted.append(_count_queries(superuser))

    assert counted[0] == counted[1] <= 40


def _sleep():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")


def _forget_figures():
    cache.clear()


def _count_queries(client):
    with CaptureQueriesContext(connection) as queries:
        read(client)
    return len(queries)
