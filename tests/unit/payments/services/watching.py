"""Payments that the janitor watches, and the passing of the time until it looks."""

from datetime import timedelta

import time_machine
from django.db import connection, transaction
from django.utils import timezone

from payments.lifecycles import PaymentState
from payments.models import GatewayCall, PaymentLog
from payments.services import janitor, webhook_ingest, webhooks
from tests.events import charge_success
from tests.factories.payments import PaymentFactory
from tests.unit.payments.services.purchases import read

URL = "https://checkout.paystack.com/0peioxfhpn"
AGES = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=3),
]
LAST = AGES[-1]


def make_watched(state=PaymentState.PROCESSING, **columns):
    """A payment with a page, due for its first look."""
    due = {"next_check_at": timezone.now() - timedelta(seconds=1)}
    page = {"authorization_url": URL if state == PaymentState.PROCESSING else ""}
    payment = PaymentFactory(**due | page | columns)
    if state != PaymentState.PENDING:
        payment.start_processing(cause=janitor.CAUSE, now=timezone.now())
        with transaction.atomic():
            PaymentLog.write([payment], now=timezone.now())
    return read(payment)


def make_due():
    """Let the time pass until everything that waits is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payment_logs SET next_check_at = now(), lock_version = lock_version + 1 WHERE next_check_at > now()"
        )


def look_at_age(payment, age):
    """Have the janitor come by when the payment is that old."""
    make_due()
    with time_machine.travel(payment.created_at + age, tick=False):
        return janitor.check_payments()


def questions():
    return GatewayCall.objects.filter(operation="verify").count()


def trail(payment):
    return [(entry["to"], entry["source"], entry["reason"]) for entry in read(payment).state_transitions[2:]]


def hear_of_success(payment):
    """Process the event of a success, however late."""
    webhook_ingest.ingest(
        charge_success(reference=payment.reference, amount_minor=payment.amount_minor, transaction_id=4_099_260_516)
    )
    webhooks.drain_inbox()


def seconds_until_due(payment):
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM next_check_at - now()) FROM payment_logs WHERE id = %s", [payment.pk])
        return float(cursor.fetchone()[0])
