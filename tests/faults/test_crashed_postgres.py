"""Postgres ended in the middle of everything, again and again: what was acknowledged stands, and stands once."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest

from devtools.embedded import lease, places
from devtools.embedded.lease import Lease, read_status
from tests.events import charge_success
from tests.faults import purchases
from tests.faults.acknowledged import Acknowledged
from tests.faults.background_product import UNLIMITED
from tests.faults.numbers import CRASHES
from tests.processes import product
from tests.processes.persistence import Request, send_until_answered
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

CLIENTS = 6
TELLERS = 2
PAYMENTS_PER_CRASH = 30

ENTRIES = """
SELECT payment.reference, payment.gateway_transaction_id, array_agg(entry.amount ORDER BY entry.sequence)
FROM payment_logs AS payment JOIN sms_transactions AS entry ON entry.payment_log_id = payment.id
GROUP BY payment.id
"""


@pytest.fixture
def place():
    # Not below tmp_path: as root the servers run as nobody, who may not enter it.
    base = Path(tempfile.mkdtemp(prefix="crashed-postgres-", dir="/var/tmp"))
    base.chmod(0o711)
    place = places.place_at(base / "servers")
    yield place
    lease.release(place)
    shutil.rmtree(base)
    shutil.rmtree(place.sockets, ignore_errors=True)


@pytest.fixture
def urls(place):
    with Lease(place, Path(sysconfig.get_path("purelib")), durable=True) as held:
        yield held.urls()


@pytest.fixture
def running(urls, sandbox, tmp_path):
    # A request that lost the database in its middle cannot give its key back: that is free again when its lease ends.
    environment = {**UNLIMITED, "DATABASE_URL": urls.database, "IDEMPOTENCY_LEASE_SECONDS": "5"}
    with product.running(
        redis_url=urls.redis, paystack_url=sandbox.url, logs=tmp_path, environment=environment
    ) as running:
        manage(running, "migrate")
        manage(running, "createsuperuser", "--noinput", "--username", "grace", "--email", "grace@example.com")
        manage(running, "set_exchange_rate", "NGN", "1650", "--by", "grace")
        running.start_web()
        running.start_worker()
        running.start_beat()
        yield running


@pytest.fixture
def api_key(running):
    return manage(running, "create_api_key", "ada", "--email", "ada@example.com").splitlines()[-1]


def test_postgres_that_crashes_under_load_loses_and_doubles_nothing(place, urls, running, sandbox, api_key):
    gateway = Acknowledged(running.url)
    is_over = threading.Event()

    def buy_and_pay():
        bought = persist(running.url + purchases.INITIALIZE, {"amount_usd": "25.00", "currency": "NGN"})
        raw = purchases.pay(sandbox, bought)
        # Once only: a second delivery would make good for a first that was acknowledged and lost.
        gateway.deliver(raw)
        assert persist(running.url + purchases.VERIFY, {"reference": bought["reference"]})["status"] == "success"
        return bought["reference"]

    def tell_of_others():
        """Deliver events of another product with the same account at the gateway, which are stored and ignored."""
        while not is_over.is_set():
            gateway.deliver(charge_success(reference=f"shop-{uuid.uuid4()}", amount_minor=100, transaction_id=1))

    def persist(url, body):
        answers = send_until_answered(Request.to_api(url, body, api_key=api_key, key=str(uuid.uuid4())))
        assert answers[-1].status in {200, 201}, answers
        return answers[-1].body

    with ThreadPoolExecutor(CLIENTS) as pool, ThreadPoolExecutor(TELLERS) as others:
        told = [others.submit(tell_of_others) for _ in range(TELLERS)]
        bought = [pool.submit(buy_and_pay) for _ in range((CRASHES + 1) * PAYMENTS_PER_CRASH)]
        try:
            for crash in range(CRASHES):
                wanted = PAYMENTS_PER_CRASH * crash + PAYMENTS_PER_CRASH // 2
                wait_until(lambda wanted=wanted: sum(future.done() for future in bought) >= wanted, seconds=120)
                crash_postgres(place)
            wait(bought)
        finally:
            is_over.set()
        references = {future.result() for future in bought}
        assert [future.result() for future in told] == [None] * TELLERS
    wait_until(lambda: query(urls, "SELECT 1 FROM webhook_events WHERE next_attempt_at IS NOT NULL") == [], seconds=60)

    stored = {bytes(digest) for (digest,) in query(urls, "SELECT body_sha256 FROM webhook_events")}
    paid = {page["reference"]: page["id"] for page in sandbox.transactions() if page["paid_at"]}
    assert set(gateway.digests) - stored == set()
    assert len(references) == len(bought)
    assert query(urls, "SELECT count(*) FROM webhook_events WHERE status = 'processed'") == [(len(bought),)]
    assert query(urls, "SELECT DISTINCT status FROM webhook_events ORDER BY 1") == [("ignored",), ("processed",)]
    assert set(paid) == references
    assert {(reference, number, tuple(amounts)) for reference, number, amounts in query(urls, ENTRIES)} == {
        (reference, number, (Decimal(25),)) for reference, number in paid.items()
    }
    assert query(urls, "SELECT balance FROM wallets") == [(25 * len(references),)]
    assert json.loads(manage(running, "check_invariants", "--json"))["violations"] == {}


def crash_postgres(place):
    """End Postgres with its immediate shutdown, without a checkpoint, and wait until it serves again.

    It recovers as after a crash (https://www.postgresql.org/docs/current/server-shutdown.html).
    """
    ended = read_status(place)["processes"]["postgres"]
    os.kill(ended, signal.SIGQUIT)
    wait_until(
        lambda: (status := read_status(place)) is not None and status["processes"]["postgres"] != ended, seconds=60
    )


def manage(running, *command):
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=product.ROOT,
        env=running.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def query(urls, statement):
    connection = psycopg2.connect(urls.database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()
