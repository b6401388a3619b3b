"""gunicorn workers killed with -9 at every point of a request: nothing happens twice, and no key stays blocked."""

from decimal import Decimal

import pytest

from devtools.sandbox import server
from namaskah.idempotency.models import RecoveryPoint
from payments.services import webhooks
from tests.events import SECRET_KEY
from tests.factories.billing import ExchangeRateFactory
from tests.faults import crediting, deaths, entries, purchases, refund_requests
from tests.faults.entries import Posting
from tests.faults.killing import Killer
from tests.faults.purchases import Purchase
from tests.faults.refund_requests import RequestedRefund
from tests.faults.trials import Ending, do_together, tally
from tests.processes import product
from tests.processes.persistence import send_until_answered
from tests.processes.valkey import ValkeyServer

pytestmark = pytest.mark.timeout(1800)

kills = pytest.mark.parametrize(
    "kills", [pytest.param(3, marks=pytest.mark.faults), pytest.param(25, marks=pytest.mark.proof)]
)


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    return Killer(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def gateway():
    with server.running(secret_key=SECRET_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def url(django_db_setup, killer, gateway, tmp_path_factory):
    """Serve the product from processes that can be told where to die; return its address."""
    environment = {
        **{f"RATE_LIMIT_{scope}": "1000000" for scope in ("INITIALIZE", "VERIFY", "READS", "WRITES")},
        "PLANTED_DEATHS": str(killer.planted),
        # What a dead process holds is free again after two seconds, not after a minute and half a minute.
        "IDEMPOTENCY_LEASE_SECONDS": "2",
        "PAYMENT_LOCK_TIMEOUT_SECONDS": "2",
        # One request at a time in each process, so that each dies of its own death and of nobody else's.
        "WEB_THREADS": "1",
        "WEB_CONCURRENCY": "8",
    }
    with (
        ValkeyServer() as valkey,
        product.running(
            redis_url=valkey.url,
            paystack_url=gateway.url,
            logs=tmp_path_factory.mktemp("logs"),
            environment=environment,
        ) as running,
    ):
        # Forked from a parent that has loaded everything, so that the dead are replaced at once, and with one
        # connection each, so that nobody else's request dies in their queue.
        running.start_web("tests.processes.dying_wsgi", "--preload", "--worker-connections", "1")
        yield running.url


@pytest.fixture
def sandbox(gateway):
    """The gateway of all these tests. Its transactions stay from test to test: addresses never repeat."""
    gateway.scripts.clear()
    return gateway


@pytest.fixture
def rate(transactional_db):
    return ExchangeRateFactory()


def test_every_recovery_point_has_a_death_before_and_after_its_commit():
    points = {point for death in deaths.ALL for point in death.points}

    wanted = {f"{point}.{moment}" for point in RecoveryPoint.values for moment in ("written", "committed")}

    assert wanted - points == set()


@kills
def test_purchase_whose_processes_die_is_paid_and_credited_once(url, rate, sandbox, killer, kills):
    trials = [purchases.make_purchase(url, death) for death in deaths.INITIALIZE for _ in range(kills)]

    killer.run(trials, count_rows=purchases.count_payments)

    do_together(lambda trial: purchases.pay_and_tell(url, sandbox, trial), trials)
    webhooks.drain_inbox()
    pages = purchases.list_pages(sandbox)
    assert tally(trials, lambda trial: purchases.describe_purchase(trial, pages)) == {
        death.name: {purchases.bought_once(left=(death.leaves, death.rows), pages=death.pages): kills}
        for death in deaths.INITIALIZE
    }


@kills
def test_purchase_paid_while_its_process_is_dead_is_credited_once(url, rate, sandbox, killer, kills):
    trials = [purchases.make_purchase(url, death) for death in deaths.PAID_MEANWHILE for _ in range(kills)]

    killer.run(
        trials,
        count_rows=purchases.count_payments,
        after_first=lambda trial: purchases.pay_first_page(sandbox, trial),
    )

    do_together(lambda trial: send_until_answered(purchases.ask(url, trial)), trials)
    pages = purchases.list_pages(sandbox)
    assert tally(trials, lambda trial: purchases.describe_purchase(trial, pages)) == {
        death.name: {purchases.bought_once(left=(death.leaves, death.rows), pages=death.pages, events=()): kills}
        for death in deaths.PAID_MEANWHILE
    }


@kills
def test_refused_purchase_whose_processes_die_stays_refused(url, rate, sandbox, killer, kills):
    sandbox.script(operation="initialize", fault="rejected", times=None)
    trials = [purchases.make_purchase(url, death) for death in deaths.REFUSED for _ in range(kills)]

    killer.run(trials, count_rows=purchases.count_payments)

    pages = purchases.list_pages(sandbox)
    assert tally(trials, lambda trial: purchases.describe_purchase(trial, pages)) == {
        death.name: {Purchase(Ending((death.leaves, death.rows), 502), ("failed",), 0, 0, (), (), None): kills}
        for death in deaths.REFUSED
    }
    assert tally(trials, purchases.count_asked) == {death.name: {death.asked: kills} for death in deaths.REFUSED}


@kills
@pytest.mark.parametrize(
    ("make", "amount", "balance"),
    [(entries.make_debit, "-2.5", "97.5"), (entries.make_reversal, "1", "98.5")],
    ids=["debit", "reversal"],
)
def test_entry_whose_processes_die_is_posted_once(url, transactional_db, killer, kills, make, amount, balance):
    user, api_key = entries.make_service()
    trials = [make(url, death, service=user, api_key=api_key) for death in deaths.ENTRY for _ in range(kills)]

    killer.run(trials, count_rows=entries.count_entries)

    assert tally(trials, entries.describe_posting) == {
        death.name: {Posting(Ending((death.leaves, death.rows), 201), (Decimal(amount),), Decimal(balance)): kills}
        for death in deaths.ENTRY
    }


@kills
@pytest.mark.parametrize(
    ("amount_usd", "refund"),
    [
        # Taken at once.
        ("60.00", RequestedRefund(("approved",), ("taken",), (Decimal(-60),), balance=Decimal(90), held=Decimal(0))),
        # Above the threshold: held until a person has agreed.
        ("120.00", RequestedRefund(("awaiting_approval",), ("held",), (), balance=Decimal(150), held=Decimal(120))),
    ],
    ids=["taken", "held"],
)
def test_refund_whose_processes_die_is_made_once(url, transactional_db, killer, kills, amount_usd, refund):
    trials = [refund_requests.make_refund(url, death, amount_usd) for death in deaths.REFUND for _ in range(kills)]

    killer.run(trials, count_rows=refund_requests.count_refunds)

    assert tally(trials, refund_requests.describe_refund) == {
        death.name: {(Ending((death.leaves, death.rows), 201), refund): kills} for death in deaths.REFUND
    }


@kills
def test_verification_whose_process_dies_credits_once(url, rate, sandbox, killer, kills):
    trials = [crediting.make_verification(url, sandbox, death) for death in deaths.VERIFY for _ in range(kills)]

    killer.run(trials, count_rows=crediting.count_credits)

    assert tally(trials, crediting.describe_credit) == {
        death.name: {crediting.credited_once(left=("", death.rows), events=()): kills} for death in deaths.VERIFY
    }


@kills
def test_webhook_whose_process_dies_is_kept_and_credits_once(url, rate, sandbox, killer, kills):
    trials = [crediting.make_delivery(url, sandbox, death) for death in deaths.WEBHOOK for _ in range(kills)]

    killer.run(trials, count_rows=crediting.count_events)

    webhooks.drain_inbox()
    assert tally(trials, crediting.describe_credit) == {
        death.name: {crediting.credited_once(left=("", death.rows), events=("processed",)): kills}
        for death in deaths.WEBHOOK
    }
