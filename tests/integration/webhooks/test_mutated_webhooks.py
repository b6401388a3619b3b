"""Odd deliveries by the thousand: each is answered as the contract says, and what is signed is kept, and nothing else.

A failure names the seed and the index of the delivery: `make_delivery(seed, index)` makes it again.
"""

import hashlib
import logging
import os
from collections import Counter
from dataclasses import replace

import pytest
from django.conf import settings
from django.db import connection

from billing.models import Transaction, Wallet
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhooks
from tests.factories.payments import PaymentFactory
from tests.integration.webhooks.expectations import LIMITED, expect
from tests.integration.webhooks.gateway import send
from tests.unit.payments.webhooks.odd_bodies import REFERENCE
from tests.webhook_mutations import PROOF, USUAL, make_delivery

SEED = int(os.environ.get("WEBHOOK_MUTATION_SEED", "1"))
PART = 2_500
FLOODING = "192.0.2.1"

pytestmark = pytest.mark.usefixtures("rotation", "clock")


def _parts(count, *, fast=0):
    """Return the test's parts, of which the first `fast` run in the default suite."""
    return pytest.mark.parametrize(
        "indexes",
        [
            pytest.param(
                range(first, first + PART),
                id=f"seed{SEED}-from{first}",
                marks=[] if first < fast * PART else pytest.mark.slow,
            )
            for first in range(0, count, PART)
        ],
    )


@pytest.mark.django_db
@_parts(USUAL, fast=1)
def test_mutated_deliveries_are_answered_and_kept_by_the_contract(application, indexes):
    send_and_compare(application, indexes)


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.django_db
@_parts(PROOF)
def test_proof_mutated_deliveries_are_answered_and_kept_by_the_contract(application, indexes, caplog):
    # A proof shows what it logs, and nobody reads a line for each delivery.
    caplog.set_level(logging.ERROR)
    send_and_compare(application, indexes)


def send_and_compare(application, indexes):
    payment = PaymentFactory(reference=REFERENCE)
    failures, kept, deliveries = Counter(), {}, Counter()
    for index in indexes:
        delivery, address = make_delivery(SEED, index), _address_of(index)
        expected = expect(delivery)
        if expected.status == 401:
            failures[address] += 1
            expected = LIMITED if failures[address] > settings.RATE_LIMITS["signatures"] else expected

        answer = send(application, delivery, address=address)

        assert replace(expected, kept=None) == answer.told, f"seed {SEED}, index {index}: {delivery.how}"
        if expected.kept is not None:
            digest = hashlib.sha256(delivery.received).digest()
            kept[digest] = expected.kept
            deliveries[digest] += 1
    assert _stored() == {digest: (*kept[digest], deliveries[digest], True) for digest in kept}
    assert failures[FLOODING] > settings.RATE_LIMITS["signatures"]
    assert _is_as_before(payment)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [2_000, pytest.param(4_000, marks=pytest.mark.slow)])
def test_mutated_events_that_are_processed_credit_a_payment_once_and_what_was_paid(
    application, settings, closed_port, count
):
    settings.PAYSTACK_BASE_URL = f"http://127.0.0.1:{closed_port}"
    payment = PaymentFactory(reference=REFERENCE)
    for index in range(1, count, 2):
        send(application, make_delivery(SEED, index))
    announced = WebhookEvent.objects.filter(status="received", event_type="charge.success").count()

    webhooks.drain_inbox(limit_seconds=60)

    assert announced > count // 40
    assert WebhookEvent.objects.filter(status="received").count() == 0
    assert list(Transaction.objects.values_list("type", "amount", "payment_log")) == [("credit", 25, payment.pk)]
    assert list(Wallet.objects.values_list("user", "balance")) == [(payment.user_id, 25)]


def _address_of(index):
    """Return one of many addresses that each send a few, or the one that most of a flood comes from."""
    return FLOODING if index // 2 % 8 == 0 else f"10.0.{index // 32 // 256}.{index // 32 % 256}"


def _stored():
    """Return by digest what every kept body counts as, how often it came, and whether it is as it came."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body_sha256, status, error_class, deliveries, sha256(body) = body_sha256 FROM webhook_events"
        )
        return {bytes(digest): tuple(what) for digest, *what in cursor.fetchall()}


def _is_as_before(payment):
    stored = PaymentLog.objects.get()
    return (stored.state, stored.credited, Transaction.objects.count()) == (payment.state, False, 0)
