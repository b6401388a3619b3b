"""Redis stopped and Redis frozen: everything is answered, and nothing is lost."""

import pytest
from django.db import connection, transaction

from billing.models import Transaction, Wallet
from namaskah.observability.models import Heartbeat
from payments.models import WebhookEvent
from tests.events import charge_success
from tests.processes.client import deliver
from tests.waiting import wait_until

pytestmark = pytest.mark.faults


@pytest.fixture(params=["stop", "freeze"])
def take_redis_away(request, valkey):
    """Return how Redis is taken away and how it comes back."""
    comes_back = {"stop": valkey.start, "freeze": valkey.thaw}[request.param]
    return getattr(valkey, request.param), comes_back


def test_without_redis_everything_is_answered_and_credited_when_it_is_back(
    running_product, sandbox, make_client, take_redis_away
):
    goes_away, comes_back = take_redis_away
    running_product.start_worker()
    running_product.start_beat()
    client = make_client("ada")
    told_by_webhook = client.initialize()
    told_by_verify = client.initialize()
    wait_until(Heartbeat.objects.exists, seconds=30)
    goes_away()

    paid = sandbox.pay(told_by_webhook["reference"], deliveries=0)["transaction"]
    raw = charge_success(
        reference=told_by_webhook["reference"],
        amount_minor=told_by_webhook["amount_minor"],
        transaction_id=paid["id"],
    )
    delivered = [deliver(running_product.url, raw) for _ in range(3)]
    sandbox.pay(told_by_verify["reference"], deliveries=0)
    verified = client.verify(told_by_verify["reference"])
    begun = client.post_initialize()

    assert [answer.status for answer in delivered] == [200, 200, 200]
    assert [round(answer.seconds, 3) for answer in delivered if answer.seconds >= 0.5] == []
    assert (verified.status, verified.body["status"]) == (200, "success")
    assert begun.status == 201

    comes_back()
    # Not over HTTP: asked again and again, that is soon above its limit.
    wait_until(Wallet.objects.filter(balance=50).exists, seconds=60)
    assert client.balance() == "50.00"
    assert Transaction.objects.count() == 2
    assert WebhookEvent.objects.get().status == "processed"


def test_worker_that_loses_redis_in_the_middle_of_a_drain_goes_on_when_it_is_back(
    running_product, sandbox, make_client, valkey
):
    client = make_client("ada")
    payment = client.initialize()
    paid = sandbox.pay(payment["reference"], deliveries=0)["transaction"]
    raw = charge_success(
        reference=payment["reference"], amount_minor=payment["amount_minor"], transaction_id=paid["id"]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # A drain begins with its heartbeat, and waits here.
        cursor.execute("LOCK TABLE heartbeats IN EXCLUSIVE MODE")
        running_product.start_worker()
        running_product.start_beat()
        wait_until(_is_a_drain_waiting, seconds=30)
        valkey.stop()
    wait_until(Heartbeat.objects.exists, seconds=10)

    delivered = deliver(running_product.url, raw)
    valkey.start()

    assert delivered.status == 200
    # Not over HTTP: asked again and again, that is soon above its limit.
    wait_until(Wallet.objects.filter(balance=25).exists, seconds=60)
    assert client.balance() == "25.00"


def _is_a_drain_waiting() -> bool:
    with connection.cursor() as cursor:
        # Not pg_stat_activity, of which a database transaction sees one snapshot only.
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
