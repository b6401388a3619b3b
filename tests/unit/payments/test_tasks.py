from decimal import Decimal

import pytest
import redis
from celery import current_app
from django.conf import settings

from namaskah.observability.heartbeats import find_heartbeat
from payments import tasks
from payments.services import nudges, webhook_ingest, webhooks
from tests.events import charge_success
from tests.factories.payments import PaymentFactory
from tests.processes.valkey import ValkeyServer
from tests.unit.payments.services.purchases import balance
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(nudges, "_nudger", None)
    with ValkeyServer() as server, redis.Redis.from_url(server.url) as connection:
        monkeypatch.setenv("CELERY_BROKER_URL", server.url)
        yield connection


def test_drain_inbox_processes_what_is_due():
    payment = PaymentFactory()
    webhook_ingest.ingest(
        charge_success(reference=payment.reference, amount_minor=payment.amount_minor, transaction_id=1)
    )

    tasks.drain_inbox()

    assert balance(payment.user) == Decimal(25)


def test_drain_inbox_that_ran_out_of_time_hands_over_to_the_next(broker, monkeypatch):
    monkeypatch.setitem(webhooks.drain_inbox.__kwdefaults__, "limit_seconds", 0.0)

    tasks.drain_inbox()

    wait_until(lambda: broker.llen("celery") == 1, seconds=5)


def test_drain_inbox_shows_that_a_worker_lives(monkeypatch):
    monkeypatch.setattr("namaskah.observability.heartbeats._written_at", {})

    tasks.drain_inbox()

    assert find_heartbeat("worker") is not None


def test_drain_inbox_is_known_by_the_name_that_nudges_and_beat_send():
    scheduled = settings.CELERY_BEAT_SCHEDULE["drain-inbox"]

    assert tasks.drain_inbox.name == nudges.DRAIN_TASK == scheduled["task"] == "payments.drain_inbox"
    assert current_app.tasks["payments.drain_inbox"].acks_late is False
    assert scheduled["options"] == {"expires": 3600}
