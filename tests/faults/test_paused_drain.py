"""A worker stopped with SIGSTOP in the middle of its batch delays nobody."""

import os
import signal
from pathlib import Path

import pytest

from billing.models import Transaction
from payments.models import WebhookEvent
from tests.events import charge_success
from tests.processes.client import deliver
from tests.waiting import wait_until

pytestmark = pytest.mark.faults


def test_duplicate_of_an_event_in_a_paused_batch_is_answered_at_once(running_product, sandbox, make_client):
    client = make_client("ada")
    payment = client.initialize()
    paid = sandbox.pay(payment["reference"], deliveries=0)["transaction"]
    raw = charge_success(
        reference=payment["reference"], amount_minor=payment["amount_minor"], transaction_id=paid["id"]
    )
    deliver(running_product.url, raw)
    drain = running_product.start("tests.processes.paused_drain")
    wait_until(lambda: _is_stopped(drain.pid), seconds=20)

    duplicate = deliver(running_product.url, raw)
    verified = client.verify(payment["reference"])

    assert (duplicate.status, duplicate.seconds < 0.5) == (200, True)
    assert (verified.status, verified.body["code"]) == (503, "payment_busy")
    assert verified.seconds < 2

    os.kill(drain.pid, signal.SIGCONT)
    drain.wait(timeout=20)
    wait_until(lambda: WebhookEvent.objects.get().status == "processed", seconds=10)
    assert Transaction.objects.count() == 1
    assert client.balance() == "25.00"


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
