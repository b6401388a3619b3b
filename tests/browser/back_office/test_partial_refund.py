"""A part of a payment on its way back to the payer, from the request to the money sent."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing.models import Transaction
from payments.models import Refund
from tests.browser.back_office.purchases import buy_credits
from tests.browser.back_office.together import find_winner, press_together
from tests.waiting import wait_until

# The first test waits for the database and for the product too.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

REFUND = "Send it back, or ask for approval"
# A worker looks for refunds to send every five seconds.
PATIENCE_SECONDS = 30


def test_part_of_a_payment_is_approved_sent_and_told_to_be_processed(office, sit_down):
    support, finance = sit_down("Support"), sit_down("Finance")
    payment = buy_credits(office, amount_usd="250.00")

    open_form(support, payment, amount="150.00")
    support.button(REFUND).click()

    assert "waits for a colleague's approval; the credits are held" in support.told()
    assert list_sent(office, payment) == []

    refund = Refund.objects.get(payment=payment)
    finance.open("/admin/approvals/")
    finance.row(payment.user.get_username()).get_by_role("link", name="Approve").click()
    finance.fill(Comment="Seen the ticket.")
    finance.button("Approve: the money goes back").click()

    assert "a worker sends 247,500.00 NGN to Paystack within seconds" in finance.told()
    wait_until(Refund.objects.filter(pk=refund.pk, state="submitted").exists, seconds=PATIENCE_SECONDS)
    [sent] = list_sent(office, payment)
    assert sent["amount_minor"] == 24_750_000

    office.sandbox.move_refund(sent["id"], "processed")
    wait_until(Refund.objects.filter(pk=refund.pk, state="processed").exists, seconds=PATIENCE_SECONDS)
    support.open(f"/admin/payments/paymentlog/{payment.pk}/change/")
    expect(support.fact("State")).to_contain_text("ompleted")
    expect(support.fact("Sent back")).to_have_text("247,500.00 NGN")
    support.link_about(refund.reference).click()
    expect(support.fact("State")).to_contain_text("Sent back")
    assert list_entries(payment) == [Decimal(250), Decimal(-150)]

    support.open(f"/admin/payments/paymentlog/{payment.pk}/change/")
    support.link("Refund").click()
    expect(support.fact("Left to refund")).to_have_text("100.00 USD, 165,000.00 NGN")


def test_two_who_refund_the_same_part_at_once_send_it_once(office, sit_down):
    payment = buy_credits(office)
    colleagues = [sit_down("Support"), sit_down("Finance")]

    for colleague in colleagues:
        open_form(colleague, payment, amount="10.00")
    press_together([colleague.button(REFUND) for colleague in colleagues])

    find_winner(
        colleagues, winner="a worker sends 16,500.00 NGN to Paystack", loser="^Something changed since you opened"
    )
    refund = Refund.objects.get(payment=payment)
    wait_until(Refund.objects.filter(pk=refund.pk, state="submitted").exists, seconds=PATIENCE_SECONDS)
    assert [sent["amount_minor"] for sent in list_sent(office, payment)] == [1_650_000]
    assert list_entries(payment) == [Decimal(25), Decimal(-10)]


def open_form(visitor, payment, *, amount):
    visitor.open(f"/admin/payments/paymentlog/{payment.pk}/change/")
    visitor.link("Refund").click()
    visitor.fill(
        Amount_in_dollars=amount, Reason="Asked for by the customer", Ticket="T-1", Note="Bought twice what was needed."
    )


def list_sent(office, payment):
    """Return the refunds of a payment by the gateway's own books."""
    return [refund for refund in office.sandbox.ledger()["refunds"] if refund["reference"] == payment.reference]


def list_entries(payment):
    return list(
        Transaction.objects.filter(user_id=payment.user_id).order_by("sequence").values_list("amount", flat=True)
    )
