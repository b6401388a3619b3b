from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing.models import Hold, Receivable, Transaction
from billing.services.ledger import InsufficientCreditsError
from namaskah.errors import GatewayRejectedError, GatewayUnavailableError
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.gateways.paystack import transactions
from payments.lifecycles import PaymentState
from payments.models import Dispute, GatewayCall
from payments.selectors.payments import PaymentNotFoundError
from payments.services import invariants
from tests.factories.disputes import open_dispute, resolve, sync
from tests.factories.payments import PaymentFactory
from tests.factories.people import ask
from tests.factories.snapshots import take_snapshot
from tests.integration import actors
from tests.unit.payments.services.disputing import (
    entries,
    make_paid,
    make_unheard,
    owed,
    spend,
    wallet,
)
from tests.unit.payments.services.purchases import read

pytestmark = pytest.mark.django_db(transaction=True)

# Each look at the gateway is written down, and nothing else of a repetition.
LOOKS = ("gateway_calls",)
PART_MINOR = 1_650_000


@pytest.fixture(autouse=True)
def _laws():
    """Whatever happens, holds, wallets and ledger agree at the end."""
    yield
    assert invariants.check_invariants() == []


@pytest.fixture
def payment(sandbox):
    """25 credits, paid and credited."""
    return make_paid(sandbox)


def test_sync_dispute_new_one_holds_the_credits_and_tells_the_deadline(sandbox, payment):
    dispute = open_dispute(sandbox, payment, category="fraud")

    [at_gateway] = sandbox.ledger()["disputes"][:1]
    assert (dispute.state, dispute.payment_id, dispute.category) == ("open", payment.pk, "fraud")
    assert (dispute.amount_minor, dispute.credit_amount) == (4_125_000, Decimal(25))
    assert (dispute.gateway_dispute_id, dispute.gateway_status) == (at_gateway["id"], at_gateway["status"])
    assert dispute.due_at == parse_datetime(at_gateway["due_at"])
    assert dispute.resolved_at is None
    assert [entry["to"] for entry in dispute.state_transitions] == ["open"]
    assert (dispute.hold.amount, dispute.hold.state, dispute.hold.reason) == (Decimal(25), "held", "dispute")


def test_sync_dispute_open_one_shows_in_the_wallet_and_not_in_the_ledger(sandbox, payment):
    open_dispute(sandbox, payment)

    assert wallet(payment.user) == (Decimal(25), Decimal(25))
    assert entries(payment.user) == [("credit", Decimal(25))]
    assert owed() == []


def test_sync_dispute_held_credits_cannot_be_spent_and_others_can(sandbox, payment):
    ask(payment.user, "5")
    open_dispute(sandbox, payment)

    with pytest.raises(InsufficientCreditsError):
        spend(payment.user, "5.0001")
    spend(payment.user, 5)

    assert wallet(payment.user) == (Decimal(25), Decimal(25))


def test_sync_dispute_holds_no_more_than_is_there(sandbox, payment):
    spend(payment.user, 10)

    dispute = open_dispute(sandbox, payment)

    assert (dispute.credit_amount, dispute.hold.amount) == (Decimal(25), Decimal(15))
    assert wallet(payment.user) == (Decimal(15), Decimal(15))


def test_sync_dispute_about_a_part_holds_its_worth(sandbox, payment):
    dispute = open_dispute(sandbox, payment, refund_amount_minor=PART_MINOR)

    assert (dispute.amount_minor, dispute.credit_amount) == (PART_MINOR, Decimal(10))
    assert wallet(payment.user) == (Decimal(25), Decimal(10))


def test_sync_dispute_with_nothing_there_is_recorded_without_a_hold(sandbox, payment):
    spend(payment.user, 25)

    dispute = open_dispute(sandbox, payment)

    assert (dispute.state, dispute.hold_id, Hold.objects.count()) == ("open", None, 0)


@pytest.mark.parametrize("resolution", ["merchant-accepted", "auto-accepted"])
def test_sync_dispute_lost_takes_what_was_held(sandbox, payment, resolution):
    ask(payment.user, "5")
    opened = open_dispute(sandbox, payment)

    dispute = resolve(sandbox, opened, resolution)

    assert (dispute.state, dispute.resolution, dispute.hold.state) == ("lost", resolution, "taken")
    assert [(entry["to"], entry["reason"]) for entry in dispute.state_transitions[1:]] == [("lost", resolution)]
    assert dispute.resolved_at is not None
    assert wallet(payment.user) == (Decimal(5), 0)
    assert entries(payment.user)[2:] == [("refund", Decimal(-25))]
    assert (dispute.ledger_entry.counter_account, dispute.ledger_entry.payment_log_id) == (
        "gateway:paystack",
        payment.pk,
    )
    assert owed() == []
    assert (read(payment).state, read(payment).amount_refunded_minor) == ("completed", 0)


def test_sync_dispute_lost_after_some_was_spent_leaves_a_receivable(sandbox, payment):
    spend(payment.user, 10)
    opened = open_dispute(sandbox, payment)

    dispute = resolve(sandbox, opened, "merchant-accepted")

    assert wallet(payment.user) == (0, 0)
    assert dispute.ledger_entry.amount == Decimal(-15)
    assert owed() == [("dispute_lost", Decimal(10))]
    assert (Receivable.objects.get().user, Receivable.objects.get().reference) == (payment.user, dispute.reference)


def test_sync_dispute_lost_after_all_was_spent_is_a_receivable_and_no_entry(sandbox, payment):
    spend(payment.user, 25)
    opened = open_dispute(sandbox, payment)

    dispute = resolve(sandbox, opened, "merchant-accepted")

    assert (dispute.state, dispute.ledger_entry) == ("lost", None)
    assert owed() == [("dispute_lost", Decimal(25))]


def test_sync_dispute_lost_in_part_takes_that_part_and_frees_the_rest(sandbox, payment):
    opened = open_dispute(sandbox, payment)

    dispute = resolve(sandbox, opened, "merchant-accepted", refund_amount_minor=PART_MINOR)

    assert (dispute.state, dispute.hold.amount, dispute.hold.state) == ("lost", Decimal(25), "taken")
    assert wallet(payment.user) == (Decimal(15), 0)
    assert entries(payment.user)[1:] == [("refund", Decimal(-10))]
    spend(payment.user, 15)


def test_sync_dispute_lost_in_part_is_covered_by_what_was_left(sandbox, payment):
    spend(payment.user, 20)
    opened = open_dispute(sandbox, payment)

    resolve(sandbox, opened, "merchant-accepted", refund_amount_minor=PART_MINOR)

    assert wallet(payment.user) == (0, 0)
    assert entries(payment.user)[2:] == [("refund", Decimal(-5))]
    assert owed() == [("dispute_lost", Decimal(5))]


def test_sync_dispute_won_releases_exactly_what_was_held(sandbox, payment):
    spend(payment.user, 10)
    opened = open_dispute(sandbox, payment)
    ask(payment.user, "3")
    spend(payment.user, 3)

    dispute = resolve(sandbox, opened, "declined")

    assert (dispute.state, dispute.hold.state, dispute.hold.amount) == ("won", "released", Decimal(15))
    assert dispute.ledger_entry is None
    assert wallet(payment.user) == (Decimal(15), 0)
    assert owed() == []
    spend(payment.user, 15)


def test_sync_dispute_won_with_nothing_held(sandbox, payment):
    spend(payment.user, 25)
    opened = open_dispute(sandbox, payment)

    assert resolve(sandbox, opened, "declined").state == "won"
    assert wallet(payment.user) == (0, 0)


def test_sync_dispute_resolved_in_an_unknown_way_waits_for_a_person_and_goes_on_holding(sandbox, payment):
    opened = open_dispute(sandbox, payment)

    dispute = resolve(sandbox, opened, "split-with-the-bank")

    assert (dispute.state, dispute.resolution, dispute.hold.state) == ("review", "split-with-the-bank", "held")
    assert wallet(payment.user) == (Decimal(25), Decimal(25))


@pytest.mark.parametrize(("resolution", "state", "left"), [("declined", "won", 25), ("merchant-accepted", "lost", 0)])
def test_sync_dispute_under_review_follows_a_resolution_that_is_known(sandbox, payment, resolution, state, left):
    opened = open_dispute(sandbox, payment)
    resolve(sandbox, opened, "split-with-the-bank")
    with sandbox.database.work() as connection:
        connection.execute("UPDATE disputes SET resolution = ?", [resolution])

    dispute = sync(opened.gateway_dispute_id)

    assert (dispute.state, wallet(payment.user)) == (state, (Decimal(left), 0))
    assert [entry["to"] for entry in dispute.state_transitions] == ["open", "review", state]


@pytest.mark.parametrize("resolution", [None, "merchant-accepted", "auto-accepted", "declined", "split-with-the-bank"])
def test_sync_dispute_again_changes_nothing(sandbox, payment, resolution):
    dispute = open_dispute(sandbox, payment)
    if resolution:
        resolve(sandbox, dispute, resolution)
    before = take_snapshot(without=LOOKS)

    for _ in range(2):
        sync(dispute.gateway_dispute_id)

    assert take_snapshot(without=LOOKS) == before


def test_sync_dispute_that_ended_stays_ended(sandbox, payment):
    """What a later answer says of a dispute that was won would take credits that were given back."""
    dispute = resolve(sandbox, open_dispute(sandbox, payment), "declined")
    with sandbox.database.work() as connection:
        connection.execute("UPDATE disputes SET resolution = 'auto-accepted'")

    assert sync(dispute.gateway_dispute_id).state == "won"
    assert wallet(payment.user) == (Decimal(25), 0)


def test_sync_dispute_reads_a_new_deadline_and_status(sandbox, payment):
    dispute = open_dispute(sandbox, payment)
    later = (timezone.now() + timedelta(days=9)).replace(microsecond=0)
    with sandbox.database.work() as connection:
        connection.execute("UPDATE disputes SET due_at = ?, status = 'awaiting-bank-feedback'", [later.isoformat()])

    stored = sync(dispute.gateway_dispute_id)

    assert (stored.due_at, stored.gateway_status, stored.state) == (later, "awaiting-bank-feedback", "open")
    assert wallet(payment.user) == (Decimal(25), Decimal(25))


def test_sync_dispute_of_a_payment_that_nobody_told_us_was_paid_credits_and_holds(sandbox):
    payment = make_unheard(sandbox)

    dispute = open_dispute(sandbox, payment)

    assert (read(payment).state, read(payment).credited_amount) == ("completed", Decimal(25))
    assert (dispute.state, wallet(payment.user)) == ("open", (Decimal(25), Decimal(25)))


def test_sync_dispute_lost_before_anybody_told_us_of_the_payment_credits_and_takes(sandbox):
    payment = make_unheard(sandbox)
    opened = sandbox.open_dispute(payment.reference)["dispute"]
    sandbox.resolve_dispute(opened["id"], "auto-accepted")

    dispute = sync(opened["id"])

    assert (dispute.state, read(payment).state) == ("lost", "completed")
    assert entries(payment.user) == [("credit", Decimal(25)), ("refund", Decimal(-25))]
    assert wallet(payment.user) == (0, 0)


def test_sync_dispute_of_a_payment_under_review_holds_nothing_and_takes_nothing(sandbox):
    payment = PaymentFactory(at=PaymentState.PROCESSING, next_check_at=timezone.now())
    sandbox.expect(payment)
    sandbox.pay(payment.reference, amount_minor=100)

    dispute = open_dispute(sandbox, payment)
    assert (dispute.state, dispute.credit_amount, dispute.hold) == ("open", 0, None)
    assert read(payment).review_reason == "partial_debit"

    assert resolve(sandbox, dispute, "merchant-accepted").state == "lost"
    assert not Transaction.objects.exists()
    assert owed() == []


def test_sync_dispute_of_a_payment_that_is_not_ours_is_refused(sandbox):
    reference = new_reference(PAYMENT_PREFIX)
    transactions.initialize_transaction(
        email="payer@example.com", amount_minor=4_125_000, currency="NGN", reference=reference
    )
    sandbox.pay(reference)
    opened = sandbox.open_dispute(reference)["dispute"]

    with pytest.raises(PaymentNotFoundError):
        sync(opened["id"])
    assert not Dispute.objects.exists()


def test_sync_dispute_that_the_gateway_does_not_know_is_refused(sandbox):
    with pytest.raises(GatewayRejectedError):
        sync(1)
    assert not Dispute.objects.exists()


@pytest.mark.parametrize("operation", ["fetch_dispute", "verify"])
def test_sync_dispute_gateway_without_an_answer_changes_nothing(sandbox, operation):
    payment = make_unheard(sandbox)
    opened = sandbox.open_dispute(payment.reference)["dispute"]
    sandbox.script(operation=operation, fault="http_503", times=None)
    before = take_snapshot(without=LOOKS)

    with pytest.raises(GatewayUnavailableError):
        sync(opened["id"])

    assert take_snapshot(without=LOOKS) == before
    sandbox.scripts.clear()
    assert sync(opened["id"]).state == "open"


def test_sync_dispute_writes_down_what_it_asked(sandbox, payment):
    dispute = open_dispute(sandbox, payment)

    call = GatewayCall.objects.get(operation="fetch_dispute")
    assert (call.outcome, call.request) == ("answered", {"dispute": dispute.gateway_dispute_id})


def test_sync_dispute_in_eight_threads_holds_and_takes_once(sandbox):
    payment = make_unheard(sandbox)
    opened = sandbox.open_dispute(payment.reference)["dispute"]

    heard = actors.run_together([partial(sync, opened["id"])] * 8)
    assert {dispute.state for dispute in heard} == {"open"}
    assert wallet(payment.user) == (Decimal(25), Decimal(25))

    sandbox.resolve_dispute(opened["id"], "merchant-accepted")
    heard = actors.run_together([partial(sync, opened["id"])] * 8)
    assert {dispute.state for dispute in heard} == {"lost"}
    assert entries(payment.user) == [("credit", Decimal(25)), ("refund", Decimal(-25))]
    assert wallet(payment.user) == (0, 0)
