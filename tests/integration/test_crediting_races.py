"""Processes that credit at once, with nothing between them but Postgres."""

import json
import os
import random
import subprocess
import sys
from decimal import Decimal

import pytest

from billing.models import Transaction, Wallet
from payments.models import PaymentLog
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.processes.product import ROOT, database_url

PROCESSES = 8

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def processes(django_db_setup):
    """Eight processes that are ready to credit."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.crediting_process", str(PROCESSES)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.stdin.close()
        started.wait(timeout=20)


def credit_in(processes, orders):
    """Give each process its batches at the same moment; return how often each thing became of a payment."""
    processes.stdin.write(json.dumps(orders) + "\n")
    processes.stdin.flush()
    return json.loads(processes.stdout.readline())


def test_eight_processes_credit_one_payment_once(processes):
    payment = PaymentFactory()
    tries = [[[(payment.reference, 1)]] * 5] * PROCESSES

    became = credit_in(processes, tries)

    assert became == {"credited": 1, "already_settled": 39}
    assert list(Transaction.objects.values_list("payment_log_id", "amount")) == [(payment.pk, Decimal(25))]
    assert Wallet.objects.get().balance == Decimal(25)


def test_eight_processes_credit_overlapping_batches_in_any_order_without_a_deadlock(processes):
    users = UserFactory.create_batch(4)
    payments = [PaymentFactory(user=users[number % 4]) for number in range(64)]
    numbered = [(payment.reference, number) for number, payment in enumerate(payments, start=1)]

    became = credit_in(processes, [_batches(numbered, seed) for seed in range(PROCESSES)])

    # The victim of a deadlock would count as DeadlockDetected.
    assert became == {"credited": 64, "already_settled": 64 * (PROCESSES - 1)}
    assert [Wallet.objects.get(user=user).balance for user in users] == [Decimal(25) * 16] * 4
    assert [Wallet.objects.get(user=user).sequence for user in users] == [16] * 4
    assert Transaction.objects.count() == 64
    assert PaymentLog.objects.filter(state="completed").count() == 64


def _batches(numbered, seed):
    shuffled = random.Random(seed).sample(numbered, len(numbered))
    return [shuffled[start : start + 8] for start in range(0, len(shuffled), 8)]
