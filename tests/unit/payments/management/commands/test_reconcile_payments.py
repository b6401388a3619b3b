from datetime import timedelta

import pytest
from django.utils import timezone

from devtools.sandbox.clock import to_text
from payments.gateways.paystack import connections
from payments.models import ReconciliationBreak
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.unit.payments.services.gateway_ledger import change_transaction
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import buy

from .outcomes import complain, run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

RECONCILE = "reconcile_payments"
UNKNOWN = "01a1ff1a-f2ea-7747-8b66-c2602a83cbe4"


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
        ["1 transactions, 0 refunds and 0 disputes at Paystack against 1 payments: 0 open breaks, 0 repaired."],
    )


def test_reconcile_tells_each_break_and_keeps_it(untold):
    status, lines = run(RECONCILE, *today())

    kept = ReconciliationBreak.objects.get()
    told = f"open      state         {untold.reference}  ours: processing, Paystack: success 4125000 NGN"
    assert (status, lines) == (
        1,
        [
            f"{told}  since {kept.first_seen_at:%Y-%m-%dT%H:%MZ}  break {kept.pk}",
            "1 transactions, 0 refunds and 0 disputes at Paystack against 1 payments: 1 open breaks, 0 repaired.",
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

    staff = StaffFactory()

    status, lines = run(RECONCILE, *today(), "--fix", "--by", staff.username)

    assert (status, lines) == (
        0,
        [
            f"repaired  state         {untold.reference}  ours: processing, Paystack: success 4125000 NGN",
            "1 transactions, 0 refunds and 0 disputes at Paystack against 1 payments: 0 open breaks, 1 repaired.",
        ],
    )
    assert balance(untold.user) == 25
    untold.refresh_from_db()
    assert (untold.state_transitions[-1]["source"], untold.state_transitions[-1]["by"]) == ("command", staff.username)
    assert run(RECONCILE, *today())[0] == 0


def test_reconcile_dry_run_writes_nothing(untold):
    before = take_snapshot()

    status, lines = run(RECONCILE, *today(), "--dry-run")

    assert (status, lines[0].split()[:3]) == (1, ["open", "state", untold.reference])
    assert take_snapshot() == before


def test_reconcile_as_json_is_one_object(untold):
    told = run_json(RECONCILE, *today())

    kept = ReconciliationBreak.objects.get()
    assert told == (
        1,
        [
            {
                "transactions": 1,
                "payments": 1,
                "refunds": 0,
                "disputes": 0,
                "open": [
                    {
                        "kind": "state",
                        "subject": untold.reference,
                        "payment_id": str(untold.pk),
                        "ours": "processing",
                        "theirs": "success 4125000 NGN",
                        "break_id": str(kept.pk),
                        "first_seen_at": str(kept.first_seen_at),
                    }
                ],
                "repaired": [],
            }
        ],
    )


def test_reconcile_tells_since_when_a_break_is_open(untold):
    run(RECONCILE, *today())
    since = timezone.now() - timedelta(days=40)
    ReconciliationBreak.objects.update(first_seen_at=since)

    lines = run(RECONCILE, *today())[1]
    rehearsed = run(RECONCILE, *today(), "--dry-run")[1]

    assert f"  since {since:%Y-%m-%dT%H:%MZ}  break " in lines[0]
    assert rehearsed == lines


def test_reconcile_of_a_long_period_goes_day_by_day_and_tells_each_break_once(untold, sandbox):
    other = buy()
    sandbox.pay(other.reference)
    now = timezone.now()
    change_transaction(sandbox, untold.reference, created_at=to_text(now - timedelta(days=2, hours=1)))
    period = "--since", (now - timedelta(days=3)).isoformat(), "--until", now.isoformat()

    status, [found] = run_json(RECONCILE, *period)

    # What the two sides put on two days counts for both.
    assert (status, found["transactions"], found["payments"]) == (1, 3, 3)
    assert [one["subject"] for one in found["open"]] == [untold.reference, other.reference]
    assert ReconciliationBreak.objects.filter(state="open").count() == 2


def test_reconcile_dismiss_lets_a_break_be_for_good(untold):
    [found] = run_json(RECONCILE, *today())[1]
    staff = StaffFactory()
    dismissal = ("--dismiss", found["open"][0]["break_id"], "--reason", "Agreed", "--by", staff.username)

    assert run(RECONCILE, *dismissal) == (0, [f"dismissed state {untold.reference}"])

    kept = ReconciliationBreak.objects.get()
    assert (kept.state, kept.dismissed_by, kept.dismissal_note) == ("dismissed", staff, "Agreed")
    assert run(RECONCILE, *today())[0] == 0
    assert complain(RECONCILE, *dismissal) == (1, "This break is dismissed; only open ones are dismissed.")


def test_reconcile_dismiss_as_json_is_one_object(untold):
    [found] = run_json(RECONCILE, *today())[1]
    break_id = found["open"][0]["break_id"]

    told = run_json(RECONCILE, "--dismiss", break_id, "--reason", "Agreed", "--by", StaffFactory().username)

    assert told == (0, [{"id": break_id, "kind": "state", "subject": untold.reference, "state": "dismissed"}])


def test_reconcile_dismiss_of_no_break_is_refused():
    dismissal = ("--dismiss", UNKNOWN, "--reason", "Agreed", "--by", StaffFactory().username)

    assert complain(RECONCILE, *dismissal) == (1, f"There is no break {UNKNOWN}.")


def test_reconcile_while_the_gateway_is_away_writes_nothing(untold, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    connections.close_connections()
    staff = StaffFactory()
    before = take_snapshot()

    assert complain(RECONCILE, *today(), "--fix", "--by", staff.username) == (
        1,
        "Paystack cannot be reached at the moment.",
    )
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
        (
            ("--since", "2026-11-01", "--until", "2026-11-02", "--fix"),
            "Name yourself with --by; it stands beside what is done.",
        ),
        (
            ("--since", "2026-11-01", "--until", "2026-11-02", "--fix", "--by", "nobody"),
            "There is no active account 'nobody' to do this: name yourself with --by.",
        ),
        (
            ("--since", "2026-11-01", "--until", "2026-11-02", "--reason", "Agreed"),
            "--reason says why a break is dismissed: it goes with --dismiss.",
        ),
        (("--dismiss", UNKNOWN, "--by", "nobody"), "Say why with --reason; it stands beside what is done."),
        (("--dismiss", UNKNOWN, "--reason", "Agreed"), "Name yourself with --by; it stands beside what is done."),
        (("--dismiss", UNKNOWN, "--reason", "A" * 301), "--reason has at most 300 characters."),
        (("--dismiss", UNKNOWN, "--reason", "Agreed", "--fix"), "--dismiss goes without --fix."),
        (("--dismiss", UNKNOWN, "--reason", "Agreed", "--dry-run"), "--dismiss goes without --dry-run."),
        (("--dismiss", UNKNOWN, "--reason", "Agreed", "--since", "2026-11-01"), "--dismiss goes without --since."),
    ],
)
def test_reconcile_of_a_bad_range_is_a_usage_error(arguments, complaint):
    assert complain(RECONCILE, *arguments) == (2, complaint)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--since", "2026-11-01"),
        ("--since", "last week", "--until", "2026-11-01"),
        ("--dismiss", "nmk-1", "--reason", "Agreed"),
        ("--dismiss", UNKNOWN, "--reason", "\udcff"),
    ],
)
def test_reconcile_whose_arguments_cannot_be_read_is_refused(arguments):
    assert complain(RECONCILE, *arguments)[1].startswith("Error: ")
