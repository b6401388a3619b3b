"""Redis emptied again and again while events arrive: locks, messages and limits are lost, and nothing else."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from payments.models import PaymentLog, WebhookEvent
from payments.services.invariants import check_invariants
from tests.factories.billing import ExchangeRateFactory
from tests.faults import books, purchases
from tests.faults.acknowledged import Acknowledged
from tests.faults.background_product import UNLIMITED
from tests.faults.books import CREDITED, is_inbox_drained
from tests.faults.numbers import FLUSHES
from tests.faults.trials import do_together
from tests.processes import product
from tests.processes.persistence import send_until_answered
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

PAYMENTS_PER_FLUSH = 8
# Every other one is delivered twice.
ACKNOWLEDGED_PER_FLUSH = PAYMENTS_PER_FLUSH * 3 // 2
LAST = 8


@pytest.fixture
def running(transactional_db, valkey, sandbox, tmp_path):
    with product.running(
        redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path, environment=UNLIMITED
    ) as running:
        running.start_beat()
        yield running


def test_events_that_arrive_while_redis_is_emptied_have_their_effect_once(running, valkey, sandbox):
    ExchangeRateFactory()
    web, worker = running.start_web(), running.start_worker()
    bought = buy(running.url, FLUSHES * PAYMENTS_PER_FLUSH + LAST)
    events = [purchases.pay(sandbox, trial.final.body) for trial in bought]
    gateway = Acknowledged(running.url)

    def tell_and_ask(trial, raw, is_repeated):
        gateway.deliver(raw)
        send_until_answered(purchases.ask(running.url, trial))
        if is_repeated:
            gateway.deliver(raw)

    with redis.Redis.from_url(valkey.url) as client, ThreadPoolExecutor(6) as pool:
        told = [
            pool.submit(tell_and_ask, trial, raw, number % 2 == 0)
            for number, (trial, raw) in enumerate(zip(bought[:-LAST], events, strict=False))
        ]
        for flush in range(FLUSHES):
            wanted = flush * ACKNOWLEDGED_PER_FLUSH + PAYMENTS_PER_FLUSH // 2
            wait_until(lambda wanted=wanted: len(gateway.digests) >= wanted, seconds=60)
            client.flushall()
        for future in told:
            future.result()
        # Nobody gets the last messages before they are lost, and nobody is left to send them again.
        end(worker)
        for raw in events[-LAST:]:
            gateway.deliver(raw)
        end(web)
        client.flushall()
    running.start_worker()
    wait_until(is_inbox_drained, seconds=60)

    stored = set(map(bytes, WebhookEvent.objects.values_list("body_sha256", flat=True)))
    references = list(PaymentLog.objects.values_list("reference", flat=True))
    assert set(gateway.digests) - stored == set()
    assert len(set(gateway.digests)) == len(bought)
    assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert {books.read_wallet(trial.user) for trial in bought} == {CREDITED}
    assert books.read_own(references) == books.read_of_gateway(sandbox, references)
    assert check_invariants() == []


def end(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def buy(url, number):
    """Return checkout pages of new users, one each."""
    trials = [purchases.make_purchase(url, None) for _ in range(number)]
    do_together(lambda trial: trial.answers.extend(send_until_answered(trial.request)), trials, at_once=8)
    assert {trial.final.status for trial in trials} == {201}
    return trials
