"""Many deliveries at once, through gunicorn and Celery, while clients verify."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from billing.models import Transaction, Wallet
from payments.models import PaymentLog, WebhookEvent
from tests.events import charge_success
from tests.processes.client import deliver
from tests.waiting import wait_until

pytestmark = pytest.mark.faults


def _paid(sandbox, payment) -> bytes:
    """Let the payer pay at the gateway and return the event that tells it."""
    transaction = sandbox.pay(payment["reference"], deliveries=0)["transaction"]
    return charge_success(
        reference=payment["reference"], amount_minor=payment["amount_minor"], transaction_id=transaction["id"]
    )


def test_fifty_concurrent_deliveries_of_one_event_credit_once(running_product, sandbox, make_client):
    running_product.start_worker()
    running_product.start_beat()
    client = make_client("ada")
    raw = _paid(sandbox, client.initialize())

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: deliver(running_product.url, raw), range(50)))
    # Not over HTTP: asked again and again, that is soon above its limit.
    wait_until(Wallet.objects.filter(balance=25).exists, seconds=20)
    assert client.balance() == "25.00"

    assert [answer.status for answer in answers] == [200] * 50
    assert max(answer.seconds for answer in answers) < 2
    assert Transaction.objects.count() == 1
    assert WebhookEvent.objects.get().deliveries == 50


def test_distinct_events_delivered_five_times_while_verify_runs_credit_each_wallet_once(
    running_product, sandbox, make_client
):
    running_product.start_worker()
    running_product.start_beat()
    clients = [make_client(f"user-{number}") for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        payments = list(pool.map(lambda client: client.initialize(), clients))
    events = [_paid(sandbox, payment) for payment in payments]
    deliveries = [lambda raw=raw: deliver(running_product.url, raw) for raw in events] * 5
    verifications = [
        lambda client=client, payment=payment: client.verify(payment["reference"])
        for client, payment in zip(clients, payments, strict=True)
    ]
    work = deliveries + verifications
    Random(64).shuffle(work)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda call: call(), work))
    wait_until(lambda: not WebhookEvent.objects.exclude(status="processed").exists(), seconds=30)

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 2
    assert [client.balance() for client in clients] == ["25.00"] * 64
    assert PaymentLog.objects.filter(state="completed").count() == 64
    assert WebhookEvent.objects.count() == 64
    assert Transaction.objects.count() == 64
