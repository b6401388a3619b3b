"""COMMIT was sent and done, and its answer was lost: what was told to nobody happens once all the same."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from devtools.sandbox import server
from payments.services import webhooks
from tests.events import SECRET_KEY
from tests.factories.billing import ExchangeRateFactory
from tests.faults import crediting, entries, purchases
from tests.faults.entries import Posting
from tests.faults.trials import Ending, do_together, look, note_left, tally
from tests.processes import product
from tests.processes.commit_proxy import CommitProxy
from tests.processes.persistence import send, send_until_answered
from tests.processes.valkey import ValkeyServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TIMES = 25
UNAVAILABLE = ((503, "database_unavailable"),)


@dataclass(frozen=True, slots=True)
class Lost:
    """A commit whose answer is lost: what is written in it, what it leaves, and what Postgres said.

    `pages` is how many checkout pages the gateway has made in the end.
    """

    name: str
    text: str
    leaves: str
    rows: int
    pages: int = 1
    answer: bytes = b"COMMIT"


INITIALIZE = (
    Lost("claim", 'INSERT INTO "idempotency_keys"', "started", 0),
    Lost("payment", "recovery_point = 'payment_created'", "payment_created", 1),
    Lost("call begun", 'INSERT INTO "gateway_calls"', "payment_created", 1, answer=b"INSERT 0 1"),
    # The page that the gateway made is lost with its address: the purchase goes on under another reference.
    Lost("call ended", 'UPDATE "gateway_calls"', "payment_created", 1, pages=2, answer=b"UPDATE 1"),
    Lost("checkout", "recovery_point = 'gateway_called'", "gateway_called", 1),
    Lost("finish", "recovery_point = 'finished'", "finished", 1),
)
ENTRY = (
    Lost("claim", 'INSERT INTO "idempotency_keys"', "started", 0),
    Lost("entry", "recovery_point = 'entry_posted'", "entry_posted", 1),
    Lost("finish", "recovery_point = 'finished'", "finished", 1),
)
CREDIT = Lost("credit", 'INSERT INTO "sms_transactions"', "", 1)
EVENT = Lost("event", "INSERT INTO webhook_events", "", 1, answer=b"INSERT 0 1")


@pytest.fixture(scope="module")
def proxy(django_db_setup):
    with CommitProxy() as running:
        yield running


@pytest.fixture(scope="module")
def sandbox():
    """The gateway of all these tests. Its transactions stay from test to test: addresses never repeat."""
    with server.running(secret_key=SECRET_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def url(proxy, sandbox, tmp_path_factory):
    """Serve the product with the proxy between it and Postgres; return its address."""
    environment = {
        "DATABASE_URL": proxy.database_url,
        "IDEMPOTENCY_LEASE_SECONDS": "2",
        "RATE_LIMIT_WRITES": "1000000",
        # No request is refused because others wait for the gateway.
        "GATEWAY_CONCURRENCY": "4",
    }
    with (
        ValkeyServer() as valkey,
        product.running(
            redis_url=valkey.url,
            paystack_url=sandbox.url,
            logs=tmp_path_factory.mktemp("logs"),
            environment=environment,
        ) as running,
    ):
        running.start_web()
        yield running.url


@pytest.fixture
def rate(transactional_db):
    return ExchangeRateFactory()


def _lose_and_retry(proxy, trials, *, subject, count_rows):
    """Lose one answer of each request, look what is left, and send it again until it is answered."""

    def run_one(trial):
        loss = proxy.lose(subject=look(subject, trial), text=trial.fault.text)
        trial.answers = [send(trial.request)]
        assert loss.lost == trial.fault.answer
        note_left(trial, count_rows)
        trial.answers += send_until_answered(trial.request)

    do_together(run_one, trials)


def _key(trial):
    return trial.key


def _reference(trial):
    return trial.user.payments.get().reference


def test_purchase_whose_commit_is_not_answered_is_paid_and_credited_once(url, rate, sandbox, proxy):
    trials = [purchases.make_purchase(url, lost) for lost in INITIALIZE for _ in range(TIMES)]

    _lose_and_retry(proxy, trials, subject=_key, count_rows=purchases.count_payments)

    do_together(lambda trial: purchases.pay_and_tell(url, sandbox, trial), trials)
    webhooks.drain_inbox()
    pages = purchases.list_pages(sandbox)
    assert tally(trials, lambda trial: purchases.describe_purchase(trial, pages)) == {
        lost.name: {
            purchases.bought_once(left=(lost.leaves, lost.rows), pages=lost.pages, surprises=UNAVAILABLE): TIMES
        }
        for lost in INITIALIZE
    }


@pytest.mark.parametrize(
    ("make", "amount", "balance"),
    [(entries.make_debit, "-2.5", "97.5"), (entries.make_reversal, "1", "98.5")],
    ids=["debit", "reversal"],
)
def test_entry_whose_commit_is_not_answered_is_posted_once(url, transactional_db, proxy, make, amount, balance):
    user, api_key = entries.make_service()
    trials = [make(url, lost, service=user, api_key=api_key) for lost in ENTRY for _ in range(TIMES)]

    _lose_and_retry(proxy, trials, subject=_key, count_rows=entries.count_entries)

    assert tally(trials, entries.describe_posting) == {
        lost.name: {
            Posting(Ending((lost.leaves, lost.rows), 201, UNAVAILABLE), (Decimal(amount),), Decimal(balance)): TIMES
        }
        for lost in ENTRY
    }


def test_verification_whose_commit_is_not_answered_credits_once(url, rate, sandbox, proxy):
    trials = [crediting.make_verification(url, sandbox, CREDIT) for _ in range(TIMES)]

    _lose_and_retry(proxy, trials, subject=_reference, count_rows=crediting.count_credits)

    assert tally(trials, crediting.describe_credit) == {
        "credit": {crediting.credited_once(left=("", 1), events=(), surprises=UNAVAILABLE): TIMES}
    }


def test_webhook_whose_commit_is_not_answered_is_delivered_again_and_credits_once(url, rate, sandbox, proxy):
    trials = [crediting.make_delivery(url, sandbox, EVENT) for _ in range(TIMES)]

    _lose_and_retry(proxy, trials, subject=_reference, count_rows=crediting.count_events)

    webhooks.drain_inbox()
    assert tally(trials, crediting.describe_credit) == {
        "event": {crediting.credited_once(left=("", 1), events=("processed",), surprises=UNAVAILABLE): TIMES}
    }
