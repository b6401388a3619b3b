"""Commands that are stopped, killed, or started twice while they work: nothing half done, and nothing done twice."""

import signal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments.models import PaymentLog, ReconciliationBreak, WebhookAttempt, WebhookEvent
from payments.services.invariants import check_invariants
from tests.factories.snapshots import take_snapshot
from tests.faults.operating import BY, USAGES, WHY, Gate, decline_some, find_our_commands, statuses, today
from tests.integration import actors
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import buy
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

STOPPED = "CommandError: Stopped. What was done so far is done; run it again to go on."


@pytest.fixture
def stop_at_the_gateway(operator, sandbox):
    """Return how to run a command and send it a SIGTERM while it waits for the gateway."""

    def run(operation, *arguments):
        gate = Gate(sandbox, operation)
        process = operator.start(*arguments)
        gate.wait_until_reached()
        process.send_signal(signal.SIGTERM)
        gate.open()
        return operator.end(process)

    return run


def test_replay_stops_between_two_events_and_goes_on_when_run_again(stop_at_the_gateway, operator, sandbox):
    first, second = decline_some(sandbox, 2)

    ended = stop_at_the_gateway("verify", "replay_webhooks", "--all-dead", *WHY)

    assert (ended.status, ended.stdout) == (1, f"{first.pk}  processed\n")
    assert (ended.complaint, ended.has_traceback) == (STOPPED, False)
    assert statuses() == ["processed", "dead"]
    assert WebhookAttempt.objects.get().event == first

    again = operator.run("replay_webhooks", "--all-dead", *WHY)
    assert (again.status, again.stdout) == (0, f"{second.pk}  processed\n1 processed, 0 not.\n")


def test_dry_run_that_is_stopped_leaves_nothing(stop_at_the_gateway, sandbox):
    decline_some(sandbox, 2)
    before = take_snapshot()

    ended = stop_at_the_gateway("verify", "replay_webhooks", "--all-dead", "--dry-run")

    assert (ended.status, ended.stdout, ended.complaint) == (1, "", STOPPED)
    assert take_snapshot() == before


def test_process_webhooks_stops_between_two_events(stop_at_the_gateway, operator, sandbox):
    decline_some(sandbox, 2)
    WebhookEvent.objects.update(status="received", attempts=0, next_attempt_at=timezone.now())

    ended = stop_at_the_gateway("verify", "process_webhooks")

    assert (ended.status, ended.stdout, ended.complaint) == (1, "", STOPPED)
    assert sorted(statuses()) == ["processed", "received"]
    assert operator.run("process_webhooks").status == 0
    assert statuses() == ["processed", "processed"]


def test_process_webhooks_that_follows_is_stopped_while_it_waits(operator, sandbox):
    process = operator.start("process_webhooks", "--follow")
    decline_some(sandbox, 1)
    WebhookEvent.objects.update(status="received", attempts=0, next_attempt_at=timezone.now())
    wait_until(lambda: statuses() == ["processed"], seconds=30)

    process.terminate()
    ended = operator.end(process)

    assert (ended.status, ended.stdout) == (0, "1 taken up, 0 waiting for a retry, 0 more dead.\n")
    assert STOPPED not in ended.stderr


def test_reconcile_that_is_stopped_while_it_reads_writes_nothing_down(stop_at_the_gateway, sandbox):
    sandbox.pay(buy().reference)
    before = take_snapshot()

    ended = stop_at_the_gateway("list", "reconcile_payments", *today(), "--fix", *BY)

    assert (ended.status, ended.stdout, ended.complaint) == (1, "", STOPPED)
    assert take_snapshot() == before


def test_reconcile_stops_between_two_repairs_and_goes_on_when_run_again(stop_at_the_gateway, operator, sandbox):
    paid = [buy(), buy()]
    for payment in paid:
        sandbox.pay(payment.reference)
    period = today()

    ended = stop_at_the_gateway("verify", "reconcile_payments", *period, "--fix", *BY)

    assert (ended.status, ended.stdout, ended.complaint) == (1, "", STOPPED)
    assert sorted(balance(payment.user) for payment in paid) == [0, 25]

    assert operator.run("reconcile_payments", *period, "--fix", *BY).status == 0
    assert [balance(payment.user) for payment in paid] == [25, 25]
    assert set(ReconciliationBreak.objects.values_list("state", flat=True)) == {"repaired"}


def test_verify_has_one_step_and_ends_it(stop_at_the_gateway, sandbox):
    payment = buy()
    sandbox.pay(payment.reference)

    ended = stop_at_the_gateway("verify", "verify_payment", payment.reference)

    assert (ended.status, ended.stdout.splitlines()[-1]) == (0, f"after  {payment.reference} completed, 25.00 credited")
    assert balance(payment.user) == 25


@pytest.mark.timeout(300)
def test_command_that_is_stopped_while_it_waits_ends_its_step_and_no_more(operator, scene):
    for name, usage in USAGES.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {usage.table} IN ACCESS EXCLUSIVE MODE")
            process = operator.start(name, *usage.arguments(scene))
            actors.wait_until_blocked()
            process.terminate()
        ended = operator.end(process)

        finds_something = name == "reconcile_payments"
        assert ended.status == int(usage.steps_follow or finds_something), (name, ended.stderr)
        assert (ended.complaint == STOPPED, ended.stdout == "") == (usage.steps_follow, usage.steps_follow), name
        assert not ended.has_traceback, name
    assert check_invariants() == []


def test_command_that_must_not_run_twice_at_once_refuses_the_second_time(operator, scene):
    before = take_snapshot()
    exclusive = [name for name, command in find_our_commands().items() if command.is_exclusive]
    for name in exclusive:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"command:{name}"])

            ended = operator.run(name, *USAGES[name].arguments(scene))

        assert (ended.status, ended.stdout) == (1, ""), name
        assert ended.stderr == f"CommandError: Another {name} is running: wait for it, or stop it.\n"
    assert set(exclusive) >= {"replay_webhooks", "refund_payment", "credit_user", "resolve_review"}
    assert take_snapshot() == before


def test_check_invariants_stops_between_two_laws(operator):
    with transaction.atomic(), connection.cursor() as cursor:
        # The first law that reads wallets waits for this, for as long as no command is asked to stop.
        cursor.execute("LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")
        process = operator.start("check_invariants")
        actors.wait_until_blocked()
        process.terminate()
    ended = operator.end(process)

    assert (ended.status, ended.stdout, ended.complaint) == (1, "", STOPPED)


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        ("verify", lambda: ("replay_webhooks", "--all-dead", *WHY)),
        ("list", lambda: ("reconcile_payments", *today())),
    ],
    ids=["replay_webhooks", "reconcile_payments"],
)
def test_second_one_at_once_is_refused_and_one_after_a_kill_is_not(operator, sandbox, operation, command):
    decline_some(sandbox, 1)
    arguments = command()
    gate = Gate(sandbox, operation)
    first = operator.start(*arguments)
    gate.wait_until_reached()

    second = operator.run(*arguments)

    assert (second.status, second.stdout) == (1, "")
    assert second.stderr == f"CommandError: Another {arguments[0]} is running: wait for it, or stop it.\n"

    first.kill()
    operator.end(first)
    gate.open()
    WebhookEvent.objects.update(status="dead", next_attempt_at=None)
    wait_until(lambda: not _is_locked(), seconds=10)
    third = operator.run(*arguments)
    assert (third.status, third.has_traceback) == (0, False)


def test_two_drains_at_once_credit_once(operator, sandbox):
    payments = [buy() for _ in range(3)]
    for payment in payments:
        told_events.pay(sandbox, payment)

    ended = [operator.end(process) for process in [operator.start("process_webhooks") for _ in range(2)]]

    assert [end.status for end in ended] == [0, 0]
    assert [balance(payment.user) for payment in payments] == [25, 25, 25]
    assert PaymentLog.objects.filter(state="completed").count() == 3


def _is_locked():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
            "WHERE locktype = 'advisory' AND datname = current_database()"
        )
        return cursor.fetchone()
