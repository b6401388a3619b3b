import json
from decimal import Decimal

import pytest
from django.db import connection
from django_redis import get_redis_connection

from billing.models import Transaction
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import EventStatus, PaymentState
from payments.models import GatewayCall, WebhookAttempt, WebhookEvent
from payments.services import crediting, inbox, webhook_ingest, webhooks
from tests.events import charge_success
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.users import UserFactory
from tests.unit.payments.services.purchases import balance, credit, is_untouched, read
from tests.unit.payments.services.queue_clock import make_due, seconds_until_due

# The errors that Postgres raises end the database transaction they happen in.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment():
    return PaymentFactory(at=PaymentState.PROCESSING)


def deliver(payment, *, transaction_id=None, **changes):
    raw = charge_success(
        reference=payment.reference,
        amount_minor=payment.amount_minor,
        transaction_id=transaction_id or payment.pk.int % 2**62 + 1,
        **changes,
    )
    webhook_ingest.ingest(raw)
    return WebhookEvent.objects.get(reference=payment.reference, body=raw)


def statuses():
    return sorted(WebhookEvent.objects.values_list("status", flat=True))


def attempts():
    return list(WebhookAttempt.objects.order_by("number").values_list("number", "outcome", "error_class"))


def test_drain_inbox_credits_what_was_announced(payment):
    event = deliver(payment)

    is_more_left = webhooks.drain_inbox()

    event.refresh_from_db()
    stored = read(payment)
    assert is_more_left is False
    assert (stored.state, stored.webhook_received, balance(payment.user)) == ("completed", True, Decimal(25))
    assert (event.status, event.payment_id, event.attempts) == ("processed", payment.pk, 1)
    assert stored.state_transitions[-1]["source"] == "webhook"
    assert stored.state_transitions[-1]["event_id"] == str(event.pk)
    assert attempts() == []


def test_drain_inbox_nothing_there():
    assert webhooks.drain_inbox() is False


def test_drain_inbox_out_of_time_says_that_more_may_be_left(payment):
    deliver(payment)

    assert webhooks.drain_inbox(limit_seconds=0) is True
    assert is_untouched(payment)


def test_drain_inbox_works_through_more_than_one_batch():
    payments = [PaymentFactory() for _ in range(inbox.BATCH + 3)]
    for payment in payments:
        deliver(payment)

    webhooks.drain_inbox()

    assert statuses() == ["processed"] * (inbox.BATCH + 3)
    assert Transaction.objects.count() == inbox.BATCH + 3


def test_drain_inbox_two_events_of_one_charge_credit_once(payment):
    deliver(payment, log=None)
    deliver(payment, log={"attempts": 2})

    webhooks.drain_inbox()

    assert statuses() == ["processed", "processed"]
    assert balance(payment.user) == Decimal(25)


def test_drain_inbox_event_after_verify_credited_changes_no_wallet(payment):
    credit(payment)
    deliver(payment)

    webhooks.drain_inbox()

    assert (read(payment).webhook_received, balance(payment.user)) == (True, Decimal(25))
    assert statuses() == ["processed"]


def test_drain_inbox_believes_nothing_in_metadata(payment):
    rival = UserFactory()
    forged = {
        "amount_usd": "9999.00",
        "credits": 9999,
        "user_id": rival.pk,
        "reference": "nmk-another",
        "custom_fields": [{"variable_name": "credit_amount", "value": "9999"}],
    }
    deliver(payment, metadata=forged)
    deliver(payment, metadata=json.dumps(forged))

    webhooks.drain_inbox()

    assert [balance(user) for user in (payment.user, rival)] == [Decimal(25), Decimal(0)]
    assert read(payment).credited_amount == Decimal(25)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"amount": 100, "requested_amount": 100}, "amount_mismatch"),
        ({"amount": 100}, "partial_debit"),
        ({"currency": "GHS"}, "currency_mismatch"),
        ({"domain": None}, "wrong_domain"),
        ({"status": "failed"}, "status_mismatch"),
        ({"id": None}, "evidence_incomplete"),
    ],
)
def test_drain_inbox_evidence_that_does_not_fit_is_dealt_with_and_credits_nothing(payment, said, reason):
    event = deliver(payment, **said)

    webhooks.drain_inbox()

    event.refresh_from_db()
    assert (event.status, event.payment_id) == ("processed", payment.pk)
    assert (read(payment).review_reason, read(payment).credited) == (reason, False)
    assert not Transaction.objects.exists()


def test_drain_inbox_unknown_reference_is_tried_again_and_credited_once_the_payment_is_there():
    payment = PaymentFactory.build(user=UserFactory())
    event = deliver(payment)

    webhooks.drain_inbox()
    event.refresh_from_db()
    assert (event.status, event.error_class) == ("retrying", "UnknownReferenceError")

    payment.save()
    make_due()
    webhooks.drain_inbox()

    event.refresh_from_db()
    assert (event.status, event.attempts, event.error_class) == ("processed", 2, "")
    assert balance(payment.user) == Decimal(25)
    assert attempts() == [(1, "retrying", "UnknownReferenceError")]


def test_drain_inbox_unknown_reference_is_a_dead_letter_after_the_fourth_attempt():
    event = deliver(PaymentFactory.build(user=UserFactory.build()))
    for _ in range(6):
        webhooks.drain_inbox()
        make_due()

    dead = WebhookEvent.objects.get()
    assert (dead.status, dead.attempts, dead.next_attempt_at) == ("dead", 4, None)
    assert bytes(dead.body) == bytes(event.body)
    assert attempts() == [
        (1, "retrying", "UnknownReferenceError"),
        (2, "retrying", "UnknownReferenceError"),
        (3, "retrying", "UnknownReferenceError"),
        (4, "dead", "UnknownReferenceError"),
    ]


def test_drain_inbox_unknown_reference_does_not_hold_up_its_batch(payment):
    deliver(PaymentFactory.build(user=UserFactory.build()))
    deliver(payment)

    webhooks.drain_inbox()

    assert statuses() == ["processed", "retrying"]
    assert balance(payment.user) == Decimal(25)


def test_drain_inbox_what_the_database_refuses_is_a_dead_letter_at_once_and_stands_alone(monkeypatch):
    monkeypatch.setattr(crediting, "_list_taken_transactions", lambda _requests: {})
    used = credit(PaymentFactory()).payment.gateway_transaction_id
    poison, *others = [PaymentFactory() for _ in range(4)]
    deliver(poison, transaction_id=used)
    for other in others:
        deliver(other)

    webhooks.drain_inbox()

    assert statuses() == ["dead", "processed", "processed", "processed"]
    assert attempts() == [(1, "dead", "IntegrityError")]
    assert [balance(payment.user) for payment in (poison, *others)] == [0, 25, 25, 25]
    assert is_untouched(poison)


def test_drain_inbox_payment_being_worked_on_elsewhere_is_left_for_later(payment):
    other = PaymentFactory()
    deliver(other)
    event = deliver(payment)
    locks = get_redis_connection("locks")
    locks.set(f"payment_lock:{payment.reference}", "another", px=30_000)

    webhooks.drain_inbox()

    event.refresh_from_db()
    assert (event.status, event.attempts) == ("received", 0)
    assert (balance(other.user), balance(payment.user)) == (Decimal(25), Decimal(0))
    assert 0 < seconds_until_due(event) <= 0.5
    assert attempts() == []

    locks.delete(f"payment_lock:{payment.reference}")
    make_due()
    webhooks.drain_inbox()
    assert balance(payment.user) == Decimal(25)


def test_drain_inbox_event_that_keeps_killing_its_worker_is_a_dead_letter(payment):
    deliver(payment)
    innocent = PaymentFactory(at=PaymentState.PROCESSING)
    deliver(innocent)
    # The first claim takes both, and dies with them; afterwards the killer is claimed alone.
    inbox.claim_charges()
    make_due()
    WebhookEvent.objects.filter(reference=payment.reference).update(attempts=4)

    webhooks.drain_inbox()

    assert statuses() == ["dead", "processed"]
    assert attempts() == [(5, "dead", "WornOutError")]
    assert balance(innocent.user) == Decimal(25)
    assert is_untouched(payment)


@pytest.mark.parametrize(
    "statement", ["INSERT INTO", "UPDATE wallets", 'UPDATE "payment_logs"', "UPDATE webhook_events AS"]
)
def test_drain_inbox_worker_that_dies_at_a_statement_leaves_nothing_half_done(payment, statement):
    deliver(payment)

    with pytest.raises(SystemExit), connection.execute_wrapper(_die_at(statement)):
        webhooks.drain_inbox()

    assert is_untouched(payment)
    assert statuses() == ["received"]
    make_due()
    webhooks.drain_inbox()
    assert statuses() == ["processed"]
    assert balance(payment.user) == Decimal(25)


def _die_at(statement):
    def execute_or_die(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith(statement):
            raise SystemExit
        return result

    return execute_or_die


def test_drain_inbox_effect_and_event_are_committed_together(payment):
    """A worker that died after the effect and before the event was marked would be taken for unfinished."""
    deliver(payment)
    seen = []

    def look(execute, sql, params, many, context):
        if sql.startswith(('UPDATE "payment_logs"', "UPDATE webhook_events AS")):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("SELECT pg_current_xact_id_if_assigned()::text")
                seen.append(cursor.fetchone()[0])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        webhooks.drain_inbox()

    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_drain_inbox_stored_body_that_is_no_event_ends_as_a_dead_letter():
    WebhookEventFactory(body=b'{"event": "charge.success"}')

    webhooks.drain_inbox()

    assert statuses() == ["dead"]
    assert attempts() == [(1, "dead", "UnreadableEventError")]


def test_process_webhook_busy_payment_is_postponed_and_that_is_no_attempt(payment, settings):
    settings.PAYMENT_LOCK_REQUEST_WAIT_SECONDS = 0.1
    deliver(payment)
    get_redis_connection("locks").set(f"payment_lock:{payment.reference}", "another", px=30_000)
    [event] = inbox.claim_charges()

    webhooks.process_webhook_with_retry(event)

    event.refresh_from_db()
    assert (event.status, event.attempts, attempts()) == ("received", 0, [])
    assert is_untouched(payment)


# An event that carries no proof: what became of the payment is asked of the gateway.
@pytest.fixture
def failed_event(payment):
    return WebhookEventFactory(event_type="charge.failed", reference=payment.reference)


def test_drain_inbox_fails_the_payment_that_the_gateway_calls_failed(payment, failed_event, sandbox):
    sandbox.expect(payment)
    sandbox.pay(payment.reference, deliveries=0, outcome="failed")

    webhooks.drain_inbox()

    assert (read(payment).state, read(payment).error_code) == ("failed", "gateway_failed")
    assert read(payment).webhook_received is False
    assert statuses() == ["processed"]
    assert GatewayCall.objects.filter(operation="verify", outcome="answered").count() == 1


def test_drain_inbox_credits_the_payment_that_was_paid_after_all(payment, failed_event, sandbox):
    sandbox.expect(payment)
    sandbox.pay(payment.reference, deliveries=0)

    webhooks.drain_inbox()

    assert read(payment).state == "completed"
    assert balance(payment.user) == Decimal(25)


def test_drain_inbox_reference_that_the_gateway_does_not_know_is_tried_again(payment, failed_event, sandbox):
    webhooks.drain_inbox()

    assert attempts() == [(1, "retrying", "UnknownReferenceError")]
    assert is_untouched(payment)


def test_drain_inbox_gateway_away_is_tried_again(payment, failed_event, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    close_connections()

    webhooks.drain_inbox()

    assert attempts() == [(1, "retrying", "UnavailableError")]
    assert GatewayCall.objects.get().outcome == "unavailable"
    assert is_untouched(payment)


def test_drain_inbox_reference_without_a_payment_is_tried_again(sandbox):
    stranger = PaymentFactory.build(user=UserFactory.build(), reference=new_reference(PAYMENT_PREFIX))
    sandbox.expect(stranger)
    WebhookEventFactory(event_type="charge.failed", reference=stranger.reference)

    webhooks.drain_inbox()

    assert WebhookEvent.objects.get().status == EventStatus.RETRYING
    assert attempts() == [(1, "retrying", "UnknownReferenceError")]


def test_drain_inbox_credits_paid_events_before_it_asks_about_others(payment, failed_event, sandbox):
    other = PaymentFactory(at=PaymentState.PROCESSING)
    deliver(other)
    asked_before_credit = []
    sandbox.expect(payment)

    def look(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "gateway_calls"'):
            asked_before_credit.append(balance(other.user))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        webhooks.drain_inbox()

    assert asked_before_credit == [Decimal(25)]
