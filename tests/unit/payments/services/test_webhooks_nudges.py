"""Events of refunds and disputes: they prove nothing, they make us ask."""

from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Receivable, Transaction, Wallet
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import EventStatus, PaymentState
from payments.models import Dispute, GatewayCall, Refund, WebhookAttempt, WebhookEvent
from payments.services import invariants, janitor, webhook_ingest, webhooks
from payments.services.webhook_ingest import DISPUTE_TYPES, REFUND_TYPES
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.snapshots import take_snapshot
from tests.factories.users import UserFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import balance, is_untouched, read
from tests.unit.payments.services.queue_clock import make_due

pytestmark = pytest.mark.django_db(transaction=True)

# What asking and having asked leave behind; nothing of it is money.
TRACES = ("gateway_calls", "webhook_events")


@pytest.fixture(autouse=True)
def _laws():
    """Whatever happens, holds, wallets and ledger agree at the end."""
    yield
    assert invariants.check_invariants() == []


@pytest.fixture
def payment(sandbox):
    """25 credits, paid at the gateway and credited."""
    payment = make_unheard(sandbox)
    return janitor.check_payment(payment_id=payment.pk, now=timezone.now())


def make_unheard(sandbox):
    """A payment that was paid, and nobody told us."""
    payment = PaymentFactory(at=PaymentState.PROCESSING, next_check_at=timezone.now())
    sandbox.expect(payment)
    sandbox.pay(payment.reference)
    return payment


def refund(sandbox, payment, *, status="processed", amount_minor=None):
    """Have a refund made on the gateway's dashboard; return its number."""
    made, _ = sandbox.request_refund(payment.reference, amount_minor=amount_minor, currency=None)
    sandbox.move_refund(made.id, status)
    return made.id


def dispute(sandbox, payment, **terms):
    return sandbox.open_dispute(payment.reference, **terms)["dispute"]["id"]


def announce(event_type, payment, **columns):
    return WebhookEventFactory(event_type=event_type, reference=payment.reference, **columns)


def attempts():
    return list(WebhookAttempt.objects.order_by("number").values_list("number", "outcome", "error_class"))


def statuses():
    return sorted(WebhookEvent.objects.values_list("status", flat=True))


@pytest.mark.parametrize("event_type", sorted(REFUND_TYPES))
def test_drain_inbox_refund_event_books_what_the_gateway_lists(sandbox, payment, event_type):
    number = refund(sandbox, payment)
    event = announce(event_type, payment)

    webhooks.drain_inbox()

    event.refresh_from_db()
    booked = Refund.objects.get()
    assert (event.status, event.payment_id, event.attempts) == ("processed", payment.pk, 1)
    assert (booked.state, booked.gateway_refund_id, booked.credit_amount) == ("processed", number, Decimal(25))
    assert (read(payment).state, balance(payment.user)) == ("refunded", Decimal(0))
    assert [(entry["source"], entry["event_id"]) for entry in booked.state_transitions] == [
        ("webhook", str(event.pk))
    ] * 2
    assert attempts() == []


@pytest.mark.parametrize("event_type", sorted(DISPUTE_TYPES))
def test_drain_inbox_dispute_event_brings_ours_to_where_the_gateway_has_it(sandbox, payment, event_type):
    number = dispute(sandbox, payment)
    event = announce(event_type, payment, object_id=number)

    webhooks.drain_inbox()

    event.refresh_from_db()
    held = Dispute.objects.get()
    assert (event.status, event.payment_id, event.attempts) == ("processed", payment.pk, 1)
    assert (held.state, held.gateway_dispute_id) == ("open", number)
    assert [(entry["source"], entry["event_id"]) for entry in held.state_transitions] == [("webhook", str(event.pk))]
    assert Wallet.objects.get().held == Decimal(25)


@pytest.mark.parametrize("event_type", ["refund.processed", "refund.failed"])
def test_drain_inbox_refund_event_proves_nothing_by_itself(sandbox, payment, event_type):
    announce(event_type, payment)
    before = take_snapshot(without=TRACES)

    webhooks.drain_inbox()

    assert statuses() == ["processed"]
    assert take_snapshot(without=TRACES) == before


def test_drain_inbox_refund_event_before_the_payment_was_heard_of_credits_it_first(sandbox):
    payment = make_unheard(sandbox)
    refund(sandbox, payment)
    announce("refund.processed", payment)

    webhooks.drain_inbox()

    assert list(Transaction.objects.order_by("sequence").values_list("type", "amount")) == [
        ("credit", Decimal(25)),
        ("refund", Decimal(-25)),
    ]
    assert (read(payment).state, read(payment).webhook_received) == ("refunded", False)


@pytest.mark.parametrize("event_type", ["refund.processed", "charge.dispute.create"])
def test_drain_inbox_event_of_an_unpaid_payment_changes_no_wallet(sandbox, event_type):
    payment = PaymentFactory(at=PaymentState.PROCESSING, next_check_at=timezone.now())
    sandbox.expect(payment)
    announce(event_type, payment, object_id=1)

    webhooks.drain_inbox()

    assert is_untouched(payment)


@pytest.mark.parametrize("event_type", ["refund.processed", "charge.dispute.create"])
def test_drain_inbox_event_of_an_unknown_payment_is_parked_and_asks_nobody(sandbox, event_type):
    stranger = PaymentFactory.build(user=UserFactory.build())
    announce(event_type, stranger)

    for _ in range(6):
        webhooks.drain_inbox()
        make_due()

    assert statuses() == ["dead"]
    assert [error_class for _, _, error_class in attempts()] == ["UnknownReferenceError"] * 4
    assert not GatewayCall.objects.exists()


def test_drain_inbox_dispute_of_a_payment_that_turns_up_later_is_held_then(sandbox):
    payment = PaymentFactory.build(user=UserFactory())
    sandbox.expect(payment)
    sandbox.pay(payment.reference)
    announce("charge.dispute.create", payment, object_id=dispute(sandbox, payment))
    webhooks.drain_inbox()
    assert statuses() == ["retrying"]

    payment.save()
    make_due()
    webhooks.drain_inbox()

    assert statuses() == ["processed"]
    assert (balance(payment.user), Wallet.objects.get().held) == (Decimal(25), Decimal(25))


@pytest.mark.parametrize("object_id", [0, 1])
def test_drain_inbox_dispute_that_the_gateway_does_not_know_is_a_dead_letter_in_the_end(sandbox, payment, object_id):
    announce("charge.dispute.create", payment, object_id=object_id)

    for _ in range(6):
        webhooks.drain_inbox()
        make_due()

    assert statuses() == ["dead"]
    assert [number for number, _, _ in attempts()] == [1, 2, 3, 4]
    assert not Dispute.objects.exists()


@pytest.mark.parametrize("event_type", ["refund.processed", "charge.dispute.create"])
def test_drain_inbox_gateway_away_is_tried_again(sandbox, payment, settings, event_type):
    refund(sandbox, payment, amount_minor=1_650_000)
    event = announce(event_type, payment, object_id=dispute(sandbox, payment))
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    close_connections()

    webhooks.drain_inbox()

    event.refresh_from_db()
    assert (event.status, event.attempts) == (EventStatus.RETRYING, 1)
    assert (balance(payment.user), Wallet.objects.get().held) == (Decimal(25), Decimal(0))

    settings.PAYSTACK_BASE_URL = sandbox.url
    close_connections()
    make_due()
    webhooks.drain_inbox()
    assert statuses() == ["processed"]
    assert Refund.objects.count() + Dispute.objects.count() == 1


def test_drain_inbox_many_refund_events_book_each_refund_once(sandbox, payment):
    numbers = {refund(sandbox, payment, amount_minor=1_650_000) for _ in range(2)}
    for event_type in sorted(REFUND_TYPES) * 2:
        announce(event_type, payment)

    webhooks.drain_inbox()

    assert statuses() == ["processed"] * 10
    assert set(Refund.objects.values_list("gateway_refund_id", flat=True)) == numbers
    assert balance(payment.user) == Decimal(5)


def test_drain_inbox_delivered_again_follows_what_has_moved_since(sandbox, payment):
    """`remind` may come twice with the same bytes, and the second time the dispute is over."""
    number = dispute(sandbox, payment)
    raw = b'{"event":"charge.dispute.remind","data":{"id":%d,"transaction":{"reference":"%s"}}}' % (
        number,
        payment.reference.encode(),
    )
    webhook_ingest.ingest(raw)
    webhooks.drain_inbox()
    assert Dispute.objects.get().state == "open"
    sandbox.resolve_dispute(number, "declined")

    webhook_ingest.ingest(raw)
    make_due()
    webhooks.drain_inbox()

    assert Dispute.objects.get().state == "won"
    assert (balance(payment.user), Wallet.objects.get().held) == (Decimal(25), Decimal(0))
    assert WebhookEvent.objects.values_list("status", "deliveries", "attempts").get() == ("processed", 2, 1)


@pytest.mark.parametrize("event_type", ["refund.processed", "charge.dispute.create"])
@pytest.mark.parametrize(
    "statement", ['INSERT INTO "sms_transactions"', 'INSERT INTO "holds"', "UPDATE webhook_events AS"]
)
def test_drain_inbox_worker_that_dies_at_a_statement_is_made_up_for(sandbox, event_type, statement):
    payment = make_unheard(sandbox)
    number = dispute(sandbox, payment) if event_type in DISPUTE_TYPES else refund(sandbox, payment)
    announce(event_type, payment, object_id=number)

    with pytest.raises(SystemExit), connection.execute_wrapper(_die_at(statement)):
        webhooks.drain_inbox()

    assert statuses() == ["received"]
    make_due()
    webhooks.drain_inbox()
    assert statuses() == ["processed"]
    assert Refund.objects.count() + Dispute.objects.count() == 1
    expected = (Decimal(25), Decimal(25)) if event_type in DISPUTE_TYPES else (Decimal(0), Decimal(0))
    assert (balance(payment.user), Wallet.objects.get().held) == expected
    assert not Receivable.objects.exists()


def _die_at(statement):
    def execute_or_die(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith(statement):
            raise SystemExit
        return result

    return execute_or_die


def test_drain_inbox_of_eight_workers_takes_refund_and_dispute_of_one_payment_once(sandbox):
    payment = make_unheard(sandbox)
    refund(sandbox, payment, amount_minor=1_650_000)
    number = dispute(sandbox, payment, refund_amount_minor=2_475_000)
    sandbox.resolve_dispute(number, "auto-accepted")
    for event_type in sorted(REFUND_TYPES):
        announce(event_type, payment)
    for event_type in sorted(DISPUTE_TYPES):
        announce(event_type, payment, object_id=number)

    actors.run_together([webhooks.drain_inbox] * 8)

    assert statuses() == ["processed"] * 8
    assert attempts() == []
    assert (Refund.objects.get().state, Dispute.objects.get().state) == ("processed", "lost")
    assert sorted(Transaction.objects.values_list("amount", flat=True)) == [-15, -10, 25]
    assert (balance(payment.user), Wallet.objects.get().held) == (Decimal(0), Decimal(0))
    assert not Receivable.objects.exists()
