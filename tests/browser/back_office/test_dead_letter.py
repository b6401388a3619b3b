"""A payment whose news died as a dead letter: its payer has paid, and has no credits."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing.models import Transaction
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.lifecycles import PaymentState
from payments.models import PaymentLog, WebhookAttempt, WebhookEvent
from tests.browser.back_office.together import find_winner, press_together
from tests.events import charge_success
from tests.factories.payments import EvidenceFactory, PaymentFactory
from tests.processes.client import deliver
from tests.waiting import wait_until

# The first test waits for the database and for the product too.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

REPLAY = "Replay it now"


@pytest.fixture
def dead_letter(office):
    """An event that came four times too early for its payment, which is here now."""
    reference = new_reference(PAYMENT_PREFIX)
    paid = EvidenceFactory(reference=reference)
    deliver(
        office.url,
        charge_success(reference=reference, amount_minor=paid.amount_minor, transaction_id=paid.gateway_transaction_id),
    )
    wait_until(lambda: WebhookEvent.objects.filter(reference=reference, status="dead").exists(), seconds=30)
    PaymentFactory(reference=reference, amount_minor=paid.amount_minor, at=PaymentState.PROCESSING)
    return WebhookEvent.objects.get(reference=reference)


def test_dead_letter_is_found_on_the_dashboard_previewed_replayed_and_credited(sit_down, dead_letter):
    support = sit_down("Support")

    support.tile("Dead letters").click()
    expect(support.page).to_have_url(re.compile(r"/webhookevent/\?status__exact=dead$"))
    row = support.row(dead_letter.reference[-8:])
    expect(row).to_contain_text("UnknownReferenceError")
    row.get_by_role("link", name="charge.success").click()
    support.link("Replay").click()

    expect(support.fact("Payment")).to_have_text("processing → completed")
    expect(support.fact("Balance")).to_have_text("0.00 → 25.00")
    expect(support.fact("Ledger entry")).to_have_text("credit 25.00")
    assert list_credits(dead_letter) == []

    support.fill(Reason="The payment is here now.")
    support.button(REPLAY).click()

    assert support.told() == "It was replayed. 25.00 credits moved."
    assert list_credits(dead_letter) == [Decimal(25)]
    support.link_about(dead_letter.reference).click()
    expect(support.fact("Credited")).to_have_text("25.00 credits")


def test_two_who_replay_a_dead_letter_at_once_credit_it_once(sit_down, dead_letter):
    colleagues = [sit_down("Support"), sit_down("Operator")]

    for colleague in colleagues:
        colleague.open(f"/admin/payments/webhookevent/{dead_letter.pk}/replay/")
        colleague.fill(Reason="The payment is here now.")
    press_together([colleague.button(REPLAY) for colleague in colleagues])

    find_winner(
        colleagues, winner=r"^It was replayed. 25.00 credits moved.$", loser="^Something changed since you opened"
    )
    assert list_credits(dead_letter) == [Decimal(25)]
    assert WebhookAttempt.objects.filter(event=dead_letter, by__isnull=False).count() == 1


def list_credits(event):
    user_id = PaymentLog.objects.get(reference=event.reference).user_id
    return list(Transaction.objects.filter(user_id=user_id).values_list("amount", flat=True))
