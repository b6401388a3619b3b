"""The catalogue of laws, and each law broken: by a hand in the database that no rule of it stopped.

Which mark of the general catalogue of invariants (A1 to A32) is kept by which file, and which is none of a table's:

A1   entries sum to zero, one currency: an entry names its other side itself (`counter_account`), credits are dollars
A2   balance = sum of entries            wallet_equals_ledger, ledger_is_continuous
A3   one credit per payment              one_credit_per_payment
A4   completed = credited, amount, owner completed_is_credited, credited_has_its_entry, ledger_belongs_to_owner
A5   no credit without evidence          credit_is_proved, credit_within_paid
A6   allowed edges                       steps_are_allowed
A7   unbroken history                    trail_is_unbroken
A8   nothing goes backwards              steps_are_allowed, refunded_went_back_whole
A9   refunds within the payment          refunds_within_payment, refunded_sum_is_counted,
                                         whole_refund_takes_all_credits
A10  refunds and their entries           refund_is_booked, refund_entry_has_its_case, dispute_is_booked,
                                         decided_hold_is_booked, receivable_has_its_case, reversals_within_debit,
                                         refund_reversal_has_its_case, collected_debt_is_booked
A11  no balance below its floor          balance_not_below_held, held_equals_holds, hold_has_its_case
A12  answered 200 = stored               what was answered is known to the sender alone: fault tests keep its log
A13  one row, one effect per event       event_is_stored_once, one_credit_per_payment
A14  an event is in one place            dead_event_has_its_reason, processed_event_has_its_payment,
                                         stored_event_has_its_body
A15  waits of 1 s, 2 s, 4 s              the waits are settings, and an outage stretches them: tests of the retries
A16  a replay changes nothing            a comparison of before and after: tests of replays
A17  one payment per key                 one_purchase_per_key, key_belongs_to_its_payment
A18  no key held for ever                key_is_not_stuck
A19  references                          reference_is_sound, one_payment_per_transaction
A20  two persons                         refund_has_two_persons, adjustment_has_its_request
A21  append-only                         rules_are_in_force
A22  amounts and currencies              amounts_are_sound, rules_are_in_force (constraints that are not validated)
A23  every intent is carried out         refund_is_watched, dispute_is_watched, due_event_is_not_old
A24  the gateway's successes are ours    reconciliation: its list is not in our database
A25  our money is the gateway's          reconciliation
A26  no payment is forgotten             open_payment_is_watched
A27  rate limits                         kept in Redis: tests of the limits
A28  liveness                            due_event_is_not_old, open_payment_is_watched, refund_is_watched, once they
                                         are checked after the last fault
A29  no leaked locks                     of sessions, not of rows: settings.DATABASE_TIMEOUTS and tests of the locks
A30  one owner                           ledger_belongs_to_owner, key_belongs_to_its_payment, hold_has_its_case,
                                         receivable_has_its_case
A31  no secret at rest                   no_secret_is_stored; logs are read by tests
A32  metrics tell the truth              metrics are not in the database
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone

from billing.lifecycles import HoldState, ReceivableReason, TransactionType
from billing.models import Hold, Receivable, Transaction
from devtools.sandbox import server
from namaskah.rehearsals import rehearse
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import (
    DISPUTE_EDGES,
    PAYMENT_EDGES,
    REFUND_BIRTHS,
    REFUND_EDGES,
    DisputeState,
    PaymentState,
    RefundState,
)
from payments.models import Dispute, PaymentLog, Refund
from payments.services import invariant_sweeps, invariants
from tests.events import SECRET_KEY
from tests.unit.billing.models.raw_sql import execute, settle
from tests.unit.payments.services.good_books import GoodBooks
from tests.unit.payments.services.plants import payments, records, refunds, wallets  # noqa: F401 -- reading them fills PLANTS
from tests.unit.payments.services.plants.planting import PLANTS

LAWS = {law.name: law for law in invariants.load_invariants()}
OWNERS = {"billing", "payments", "namaskah"}
RUNBOOK = Path(__file__).resolve().parents[4] / "docs" / "PAYMENT_RUNBOOK.md"


@pytest.fixture(scope="module")
def books(django_db_setup, django_db_blocker):
    """Made once and never committed. The database transaction of each test is a savepoint within that of the books."""
    with (
        server.running(secret_key=SECRET_KEY, webhook_url="") as sandbox,
        override_settings(PAYSTACK_BASE_URL=sandbox.url, REFUND_APPROVAL_USD=Decimal(0)),
        django_db_blocker.unblock(),
        rehearse(),
    ):
        yield GoodBooks(sandbox)
        close_connections()


@pytest.fixture(scope="module")
def lawless_books(books):
    """The same books, and nothing in the database that refuses a row."""
    take_rules_away()
    return books


def broken():
    return {violation.invariant.name for violation in invariants.find_violations(LAWS.values())}


def swept():
    """Return what the sweep of whoever's rows changed finds, the books being new."""
    part = invariant_sweeps.find_changes(now=timezone.now())
    laws = [invariant_sweeps.narrow(law, part) for law in LAWS.values() if law.scope != "day"]
    return {violation.invariant.name for violation in invariants.find_violations(laws)}


def take_rules_away():
    """Switch off, for the rest of the database transaction, whatever refuses a row."""
    settle()
    rules = execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint "
        "WHERE contype IN ('c', 'u') AND connamespace = 'public'::regnamespace"
    )
    for table, rule in rules:
        execute(f'ALTER TABLE {table} DROP CONSTRAINT "{rule}"')
    indexes = execute(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace"
    )
    for (index,) in indexes:
        execute(f"DROP INDEX {index}")
    execute("SET LOCAL session_replication_role = replica")


@pytest.mark.django_db
def test_good_books_of_every_kind_break_no_law(books):
    assert broken() == swept() == set()
    assert states_in(PaymentLog) == set(PaymentState)
    assert states_in(Refund) == set(RefundState) - {RefundState.SUBMITTING, RefundState.NEEDS_ATTENTION}
    assert states_in(Dispute) == set(DisputeState) - {DisputeState.REVIEW}
    assert states_in(Hold) == set(HoldState)
    assert set(Transaction.objects.values_list("type", flat=True)) == set(TransactionType)
    assert set(Receivable.objects.values_list("reason", flat=True)) == set(ReceivableReason)


@pytest.mark.django_db
@pytest.mark.parametrize(("law", "plant"), PLANTS)
def test_what_breaks_one_law_is_reported_as_that_law_alone(lawless_books, law, plant):
    plant(lawless_books)

    assert broken() == {law}
    assert swept() == ({law} if LAWS[law].scope != "day" else set())


def test_every_law_is_broken_by_a_plant_and_says_whom_to_ask():
    assert {parameters.values[0] for parameters in PLANTS} == set(LAWS)
    assert [law.name for law in LAWS.values() if not law.law.endswith(".")] == []
    assert {law.owner for law in LAWS.values()} == OWNERS
    assert {law.runbook for law in LAWS.values()} <= set(re.findall("^## (.+)$", RUNBOOK.read_text(), re.MULTILINE))


def test_every_law_stands_beside_a_mark_of_the_catalogue():
    assert set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", __doc__)) - {"counter_account"} == set(LAWS)


def test_the_steps_that_the_law_knows_are_those_of_the_lifecycles():
    known = set(re.findall(r"\('(\w+)', '(\w*)', '(\w+)'\)", LAWS["steps_are_allowed"].query))

    edges = {"payment": PAYMENT_EDGES, "refund": REFUND_EDGES, "dispute": DISPUTE_EDGES}
    births = {"payment": [PaymentState.PENDING], "refund": REFUND_BIRTHS, "dispute": [DisputeState.OPEN]}
    assert known == {(kind, *edge) for kind, table in edges.items() for edge in table} | {
        (kind, "", state) for kind, states in births.items() for state in states
    }


def states_in(model):
    return set(model.objects.values_list("state", flat=True))
