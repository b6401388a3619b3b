"""Without a worker nothing goes on by itself: every page that would wait for one says so, to every role."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from payments.lifecycles import EventStatus
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.refunds import RefundFactory
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.factories.workers import hear_worker
from tests.integration.back_office.reading import read
from tests.unit.payments.services import told_events

pytestmark = pytest.mark.django_db(transaction=True)

SILENCE = timedelta(minutes=27)
SENTENCE = "No worker was heard for 27 minutes, so nothing goes on by itself: tell an operator, who starts one."
ROLES = ["Support", "Finance", "Operator", "Auditor"]


def tiles(client, part):
    return {tile.name: tile for tile in client.get("/admin/").context[part]}


def event_page(_sandbox):
    event = WebhookEventFactory(status=EventStatus.RECEIVED, next_attempt_at=timezone.now())
    return f"/admin/payments/webhookevent/{event.pk}/change/"


def payment_page(sandbox):
    payment = told_events.buy()
    told_events.pay(sandbox, payment)
    return f"/admin/payments/paymentlog/{payment.pk}/change/"


def refund_page(_sandbox):
    return f"/admin/payments/refund/{RefundFactory(next_check_at=timezone.now()).pk}/change/"


def run_page(_sandbox):
    run = ReplayRunEventFactory(run=ReplayRunFactory(total=1)).run
    return f"/admin/payments/replayrun/{run.pk}/change/"


@pytest.mark.parametrize("make", [event_page, payment_page, refund_page, run_page])
def test_a_page_that_waits_for_a_worker_says_when_there_is_none(make, staff, sandbox):
    client, url = staff("Support"), make(sandbox)
    hear_worker()
    assert "No worker" not in read(client, url)

    hear_worker(ago=SILENCE)

    assert SENTENCE in read(client, url)


@pytest.mark.parametrize("role", ROLES)
def test_the_dashboard_says_it_first_and_in_red_to_everybody(role, staff):
    received_at = timezone.now() - timedelta(minutes=26)
    WebhookEventFactory(status=EventStatus.RECEIVED, next_attempt_at=received_at, received_at=received_at)
    hear_worker(ago=SILENCE)
    client = staff(role)

    name, tile = next(iter(tiles(client, "needs").items()))

    assert (name, tile.value, tile.tone) == ("Events waiting", "1", "danger")
    assert tile.more == ["no worker for 27 minutes", "oldest 26\N{NO-BREAK SPACE}minutes ago"]
    assert [row.pk for row in client.get(tile.url).context["cl"].result_list] != []


def test_the_dashboard_says_it_though_nothing_waits_yet(staff):
    assert tiles(staff("Support"), "needs")["Events waiting"].more == ["no worker ever ran"]


def test_the_dashboard_shows_what_waits_for_a_worker_that_lives_without_alarm(staff):
    hear_worker()
    WebhookEventFactory(status=EventStatus.RECEIVED, next_attempt_at=timezone.now())
    client = staff("Support")

    tile = tiles(client, "waits")["Events waiting"]

    assert (tile.value, tile.tone) == ("1", "default")
    assert "Events waiting" not in tiles(client, "needs")


def test_the_chart_of_the_lag_tells_of_what_waits_still(staff):
    cache.clear()
    PaymentFactory()
    hear_worker()
    client = staff("Support")
    assert "Nothing waits now." in read(client, "/admin/")

    received_at = timezone.now() - timedelta(minutes=26)
    WebhookEventFactory(status=EventStatus.RECEIVED, next_attempt_at=received_at, received_at=received_at)

    assert "1 wait now, the oldest for 26 minutes." in read(client, "/admin/").replace("\N{NO-BREAK SPACE}", " ")
