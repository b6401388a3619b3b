"""Credits given by hand, above what one person may give alone."""

import pytest
from playwright.sync_api import expect

from billing.models import CreditAdjustment, Transaction
from tests.browser.back_office.together import find_winner, press_together
from tests.factories.billing import WalletFactory

# The first test waits for the database and for the product too.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ABOVE_THRESHOLD = "60.00"
ASK = "Do it now, or ask for approval"
APPROVE = "Approve: the credits move now"


def test_credits_above_the_threshold_move_once_a_second_person_agrees(sit_down):
    asking, approving = sit_down("Finance"), sit_down("Finance")
    wallet = WalletFactory()

    open_form(asking, wallet)
    asking.button(ASK).click()

    assert "waits for a colleague's approval; no credits have moved" in asking.told()
    assert list_credits(wallet) == []

    adjustment = CreditAdjustment.objects.get(user=wallet.user)
    asking.open("/admin/approvals/")
    expect(row_of(asking, adjustment)).to_contain_text("Not yours to decide")
    asking.open(f"/admin/billing/creditadjustment/{adjustment.pk}/approve/")
    if asking.button(APPROVE).count():
        asking.button(APPROVE).click()

    assert "obody decides about" in asking.told()
    assert list_credits(wallet) == []

    approving.open("/admin/approvals/")
    row_of(approving, adjustment).get_by_role("link", name="Approve").click()
    approving.fill(Comment="Seen the ticket.")
    approving.button(APPROVE).click()

    assert "Approved: 60.00 credits moved" in approving.told()
    assert list_credits(wallet) == [60]
    approving.open(f"/admin/billing/wallet/{wallet.pk}/change/")
    expect(approving.fact("Balance")).to_have_text("60.00 credits")


def test_two_colleagues_who_approve_at_once_move_the_credits_once(sit_down):
    asking, colleagues = sit_down("Support"), [sit_down("Finance"), sit_down("Finance")]
    wallet = WalletFactory()
    open_form(asking, wallet)
    asking.button(ASK).click()
    asking.told()
    adjustment = CreditAdjustment.objects.get(user=wallet.user)

    for colleague in colleagues:
        colleague.open(f"/admin/billing/creditadjustment/{adjustment.pk}/approve/")
    press_together([colleague.button(APPROVE) for colleague in colleagues])

    find_winner(colleagues, winner="^Approved: 60.00 credits moved", loser="^Something changed since you opened")
    assert list_credits(wallet) == [60]


def test_one_person_who_asks_in_two_browsers_at_once_asks_once(open_browser, sit_down):
    browser = sit_down("Support")
    browsers = [browser, open_browser(beside=browser)]
    wallet = WalletFactory()

    for each in browsers:
        open_form(each, wallet)
    press_together([each.button(ASK) for each in browsers])

    find_winner(browsers, winner="waits for a colleague's approval", loser="^Something changed since you opened")
    assert CreditAdjustment.objects.filter(user=wallet.user).count() == 1
    assert list_credits(wallet) == []


def open_form(visitor, wallet):
    visitor.open(f"/admin/billing/wallet/{wallet.pk}/change/")
    visitor.link("Give or take credits").click()
    visitor.fill(
        Direction="Give credits",
        Amount=ABOVE_THRESHOLD,
        Reason_code="Goodwill",
        Ticket="T-1",
        Note="A message was charged and never sent.",
    )


def row_of(visitor, adjustment):
    return visitor.row(adjustment.user.get_username())


def list_credits(wallet):
    return list(Transaction.objects.filter(wallet=wallet).values_list("amount", flat=True))
