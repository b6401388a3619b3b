from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Transaction
from namaskah.money import format_credits
from payments.models import PaymentLog, Refund, WebhookEvent
from payments.services import (
    crediting,
    disputes,
    inbox,
    refund_submission,
    refunds,
    replays,
    webhook_ingest,
    webhooks,
)
from payments.services.refunds import RefundRequest
from payments.services.replay_plans import as_dictionary, hash_plan, plan_replays, tell
from payments.services.replays import EventNotFoundError
from tests.events import charge_success
from tests.factories.billing import TransactionFactory, WalletFactory, post
from tests.factories.payments import CAUSE, WebhookEventFactory
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def dead(payment, sandbox):
    """The news that the payment was paid, a dead letter."""
    return bury(told_events.pay(sandbox, payment))


def plan(*events):
    return plan_replays([event.pk for event in events])


def apply(*events):
    return [replays.replay_event(event_id=event.pk, by=None, reason="repaired") for event in events]


def entries():
    return [
        (entry.type, format_credits(entry.amount)) for entry in Transaction.objects.order_by("created_at", "sequence")
    ]


@pytest.mark.parametrize("story", told_events.STORIES)
def test_plan_writes_nothing_and_is_what_the_replay_then_does(story, payment, sandbox):
    event = bury(story(sandbox, payment))
    before, gateway = take_snapshot(), sandbox.ledger()

    [planned] = plan(event)

    assert (take_snapshot(), sandbox.ledger()) == (before, gateway)
    apply(event)
    # What the next plan starts from is where the replay ended.
    [next_planned] = plan(event)
    assert next_planned.before == planned.after
    assert entries() == list(planned.entries)
    assert not planned.changes_nothing
    assert next_planned.changes_nothing


@pytest.mark.parametrize("story", told_events.STORIES)
def test_plan_again_has_the_same_hash(story, payment, sandbox):
    event = bury(story(sandbox, payment))

    assert hash_plan(plan(event)) == hash_plan(plan(event))


def test_plan_of_two_events_of_one_payment_credits_it_once(payment, sandbox, dead):
    other = bury(_announce_again(payment, dead))

    first, second = plan(dead, other)

    assert (first.total, second.total) == (Decimal(25), Decimal(0))
    assert (first.changes_nothing, second.changes_nothing) == (False, True)
    apply(dead, other)
    assert [planned.before for planned in plan(dead, other)] == [second.after, second.after]
    assert balance(payment.user) == 25


def test_plan_of_two_payments_of_one_customer_adds_up(payment, sandbox, dead):
    other = bury(told_events.pay(sandbox, buy(user=payment.user)))

    planned = plan(dead, other)

    assert [(each.before.balance, each.after.balance) for each in planned] == [
        ("0.00", "25.00"),
        ("25.00", "50.00"),
    ]


def test_plan_of_many_customers_is_in_the_order_asked_for(sandbox):
    payments = [buy() for _ in range(2)]
    first, second = (bury(told_events.pay(sandbox, payment)) for payment in payments)
    third = bury(told_events.pay(sandbox, buy(user=payments[0].user)))

    assert [planned.event_id for planned in plan(third, second, first)] == [
        str(event.pk) for event in (third, second, first)
    ]


def test_plan_of_a_failure_tells_it_and_leaves_nothing(payment, dead, monkeypatch):
    monkeypatch.setattr(crediting, "credit_payments", _refuse)
    before = take_snapshot()

    [planned] = plan(dead)

    assert (planned.error, planned.after.event_status, planned.changes_nothing) == ("still broken", "dead", True)
    assert tell(planned) == f"{dead.pk}  {payment.reference}  fails: still broken"
    assert take_snapshot() == before


def test_plan_of_what_only_its_commit_would_refuse_tells_it_and_goes_on(payment, sandbox, dead, monkeypatch):
    other = bury(told_events.pay(sandbox, buy(user=payment.user)))
    monkeypatch.setattr(webhooks, "process_webhook", _forget_the_wallet_of(payment))

    first, second = plan(dead, other)

    assert "its wallet was not moved" in first.error
    assert (first.entries, second.error, second.total) == ((), "", Decimal(25))
    assert not Transaction.objects.exists()


def test_plan_of_what_is_not_replayable_or_busy_tells_why(sandbox):
    dismissed = WebhookEventFactory(status="dismissed", next_attempt_at=None)
    busy = told_events.pay(sandbox, buy())
    inbox.claim_charges()

    told = [planned.error for planned in plan(dismissed, busy)]

    assert told == [
        "This event was dismissed.",
        "A worker is processing this event at this moment; look again in half a minute.",
    ]


def test_plan_of_processing_that_would_write_at_the_gateway_is_told_and_sends_nothing(payment, sandbox, monkeypatch):
    apply(told_events.pay(sandbox, payment))
    sandbox.open_dispute(payment.reference)
    event = told_events.tell(sandbox, payment.reference, "charge.dispute.create")
    refund = _request_refund(payment)

    def submit(**_):
        refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())

    monkeypatch.setattr(disputes, "sync_dispute", submit)

    [planned] = plan(event)

    assert planned.error == f"refund {payment.reference} was about to be sent."
    assert sandbox.ledger()["refunds"] == []
    assert Refund.objects.values_list("state", flat=True).get() == "approved"


def test_plan_of_nothing_and_of_an_event_that_is_not_there():
    assert plan_replays([]) == []
    with pytest.raises(EventNotFoundError):
        plan_replays([uuid4()])


def test_plan_that_is_broken_off_leaves_nothing(sandbox):
    events = [bury(told_events.pay(sandbox, buy())) for _ in range(3)]
    before, counts = take_snapshot(), []

    def stop(count):
        counts.append(count)
        if count == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan_replays([event.pk for event in events], progress=stop)

    assert counts == [1, 2]
    assert take_snapshot() == before
    assert connection.get_autocommit() is True


@pytest.mark.parametrize(
    "change",
    [
        lambda payment, _dead: post(payment.user),
        lambda payment, dead: apply(_announce_again(payment, dead)),
        lambda _payment, dead: apply(dead),
        lambda payment, _dead: _fail(payment),
    ],
    ids=["the balance", "the credit", "the event", "the payment"],
)
def test_plan_of_a_world_that_has_changed_has_another_hash(change, payment, dead):
    before = hash_plan(plan(dead))

    change(payment, dead)

    assert hash_plan(plan(dead)) != before


def test_plan_has_another_hash_when_the_gateway_says_something_else(payment, sandbox):
    event = bury(told_events.refund(sandbox, payment, status="processing"))
    before = hash_plan(plan(event))

    sandbox.move_refund(sandbox.ledger()["refunds"][0]["id"], "processed")

    assert hash_plan(plan(event)) != before


def test_hash_of_plans_depends_on_each_event_and_their_order(payment, sandbox, dead):
    other = bury(told_events.pay(sandbox, buy()))
    first, second = plan(dead, other)

    hashes = {hash_plan(planned) for planned in ([], [first], [second], [first, second], [second, first])}

    assert len(hashes) == 5
    assert all(len(value) == 16 and int(value, 16) >= 0 for value in hashes)


def test_plan_in_words_and_as_json(payment, dead):
    [planned] = plan(dead)

    assert tell(planned) == (
        f"{dead.pk}  {payment.reference}  event_status dead -> processed, state processing -> completed, "
        "balance 0.00 -> 25.00, credit 25.00"
    )
    assert as_dictionary(planned) == {
        "event": str(dead.pk),
        "reference": payment.reference,
        "changes": {
            "event_status": {"from": "dead", "to": "processed"},
            "state": {"from": "processing", "to": "completed"},
            "balance": {"from": "0.00", "to": "25.00"},
        },
        "entries": [{"type": "credit", "amount": "25.00"}],
        "total": "25.00",
        "error": "",
    }


def test_plan_in_words_of_a_refund_made_elsewhere(payment, sandbox):
    event = told_events.refund(sandbox, payment)
    number = sandbox.ledger()["refunds"][0]["id"]

    [planned] = plan(event)

    assert tell(planned) == (
        f"{event.pk}  {payment.reference}  event_status received -> processed, state processing -> completed, "
        f"refunded_minor 0 -> {told_events.REFUND_MINOR}, balance 0.00 -> 15.00, "
        f"refunds none -> {number} processed, credit 25.00, refund -10.00"
    )
    assert planned.total == Decimal(15)


def test_plan_in_words_that_changes_nothing(payment, dead):
    apply(dead)

    [planned] = plan(dead)

    assert tell(planned) == f"{dead.pk}  {payment.reference}  changes nothing"
    assert as_dictionary(planned)["changes"] == {}


def test_plan_tells_refunds_apart_that_the_gateway_has_not_numbered_yet(payment, sandbox, dead):
    apply(dead)
    made = [_request_refund(payment, "2"), _request_refund(payment, "3")]

    [planned] = plan(dead)

    assert planned.before.refunds == {refund.reference: "approved" for refund in made}


def _announce_again(payment, dead):
    """Store another event about the same charge, worded differently."""
    raw = charge_success(reference=payment.reference, amount_minor=payment.amount_minor, transaction_id=dead.object_id)
    webhook_ingest.ingest(raw)
    return WebhookEvent.objects.get(body=raw)


def _fail(payment):
    payment.fail(code="gateway_failed", message="Declined", cause=CAUSE, now=timezone.now())
    PaymentLog.write([payment], now=timezone.now())


def _refuse(*_args, **_kwargs):
    raise ValueError("still broken")


def _forget_the_wallet_of(payment):
    """Return processing that credits as ever, but for one payment, whose ledger row it writes and no more."""
    process = webhooks.process_webhook

    def forget(event, *, now):
        if event.reference != payment.reference:
            return process(event, now=now)
        TransactionFactory(wallet=WalletFactory(user=payment.user))
        return None

    return forget


def _request_refund(payment, amount="10"):
    request = RefundRequest(
        payment_id=payment.pk, amount_usd=Decimal(amount), reason="Asked for", idempotency_key=uuid4()
    )
    return refunds.request_refund(request=request, by=StaffFactory(), cause=CAUSE, now=timezone.now())
