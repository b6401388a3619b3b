from datetime import timedelta

import pytest
from django.utils import timezone

from payments.gateways.paystack import connections
from payments.models import ReconciliationBreak
from tests.factories.snapshots import take_snapshot
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import buy

from .outcomes import complain, run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

RECONCILE = "reconcile_payments"


@pytest.fixture
def untold(sandbox):
    """A payment that was paid, and nobody told us."""
    payment = buy()
    sandbox.pay(payment.reference)
    return payment


def today():
    """Return the arguments that mean the last hour."""
    now = timezone.now()
    return "--since", (now - timedelta(hours=1)).isoformat(), "--until", now.isoformat()


def test_reconcile_of_books_that_agree(sandbox):
    buy()

    assert run(RECONCILE, *today()) == (
        0,
        ["1 transactions and 0 refunds at Paystack against 1 payments: 0 open breaks, 0 repaired."],
    )


def test_reconcile_tells_each_break_and_keeps_it(untold):
    status, lines = run(RECONCILE, *today())

    assert (status, lines) == (
        1,
        [
            f"open      state         {untold.reference}  ours: processing, Paystack: success 4125000 NGN",
            "1 transactions and 0 refunds at Paystack against 1 payments: 1 open breaks, 0 repaired.",
        ],
    )
    assert ReconciliationBreak.objects.values_list("kind", "subject", "state").get() == (
        "state",
        untold.reference,
        "open",
    )
    assert balance(untold.user) == 0


def test_reconcile_fix_credits_what_the_gateway_says_was_paid(untold):
    run(RECONCILE, *today())

    status, lines = run(RECONCILE, *today(), "--fix")

    assert (status, lines) == (
        0,
        [
            f"repaired  state         {untold.reference}  ours: processing, Paystack: success 4125000 NGN",
            "1 transactions and 0 refunds at Paystack against 1 payments: 0 open breaks, 1 repaired.",
        ],
    )
    assert balance(untold.user) == 25
    assert run(RECONCILE, *today())[0] == 0


def test_reconcile_dry_run_writes_nothing(untold):
    before = take_snapshot()

    status, lines = run(RECONCILE, *today(), "--dry-run")

    assert (status, lines[0].split()[:3]) == (1, ["open", "state", untold.reference])
    assert take_snapshot() == before


def test_reconcile_as_json_is_one_object(untold):
    assert run_json(RECONCILE, *today()) == (
        1,
        [
            {
                "transactions": 1,
                "payments": 1,
                "refunds": 0,
                "open": [
                    {
                        "kind": "state",
                        "subject": untold.reference,
                        "payment_id": str(untold.pk),
                        "ours": "processing",
                        "theirs": "success 4125000 NGN",
                    }
                ],
                "repaired": [],
            }
        ],
    )


def test_reconcile_while_the_gateway_is_away_writes_nothing(untold, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    connections.close_connections()
    before = take_snapshot()

    assert complain(RECONCILE, *today(), "--fix") == (1, "Paystack cannot be reached at the moment.")
    assert take_snapshot() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--since", "2026-11-02", "--until", "2026-11-01"), "--since must be before --until."),
        (("--since", "2026-11-01", "--until", "2026-11-01"), "--since must be before --until."),
        (
            ("--since", "2026-11-01", "--until", "2100-01-01"),
            "--until is in the future: what has not ended cannot be reconciled.",
        ),
        (("--since", "2026-01-01", "--until", "2026-11-01"), "At most 92 days at once."),
        (
            ("--since", "2026-11-01", "--until", "2026-11-02", "--fix", "--dry-run"),
            "--fix writes and --dry-run does not: choose one.",
        ),
    ],
)
def test_reconcile_of_a_bad_range_is_a_usage_error(arguments, complaint):
    assert complain(RECONCILE, *arguments) == (2, complaint)


@pytest.mark.parametrize(
    "arguments", [(), ("--since", "2026-11-01"), ("--since", "last week", "--until", "2026-11-01")]
)
def test_reconcile_whose_arguments_cannot_be_read_is_refused(arguments):
    assert complain(RECONCILE, *arguments)[1].startswith("Error: ")
