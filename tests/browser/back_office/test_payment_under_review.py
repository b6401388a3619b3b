"""A payment that was not paid as it was asked for, and waits for somebody to decide."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing.models import Transaction
from payments.models import ReviewDecision
from tests.browser.back_office.purchases import underpay
from tests.browser.back_office.together import find_winner, press_together

# The first test waits for the database and for the product too.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CREDIT = "Ask Paystack and credit it"


def test_review_is_ended_by_crediting_what_was_paid_with_the_keyboard_alone(office, sit_down):
    payment = underpay(office)
    finance = sit_down("Finance")

    finance.tab_to(finance.tile("Payments under review"))
    finance.page.keyboard.press("Enter")
    finance.tab_to(finance.row(payment.email).get_by_role("link").first)
    finance.page.keyboard.press("Enter")
    finance.tab_to(finance.link("Credit what was paid"))
    finance.page.keyboard.press("Enter")
    expect(finance.fact("Worth at most")).to_contain_text("12.50 credits")
    finance.type_into("Why", "The customer agrees to half.")
    finance.page.keyboard.press("Enter")

    assert finance.told() == "12.50 credits were given; the review is ended."
    assert list_credits(payment) == [Decimal("12.5")]
    expect(finance.fact("Credited")).to_have_text("12.50 credits")
    expect(finance.fact("Under review")).to_have_count(0)
    expect(finance.link("Credit what was paid")).to_have_count(0)


def test_two_colleagues_who_credit_a_review_at_once_credit_it_once(office, sit_down):
    payment = underpay(office)
    colleagues = [sit_down("Finance"), sit_down("Finance")]

    for colleague in colleagues:
        colleague.open(f"/admin/payments/paymentlog/{payment.pk}/credit/")
        colleague.fill(Why="The customer agrees to half.")
    press_together([colleague.button(CREDIT) for colleague in colleagues])

    find_winner(
        colleagues, winner=r"^12.50 credits were given; the review is ended.$", loser="^Something changed since you"
    )
    assert list_credits(payment) == [Decimal("12.5")]
    assert ReviewDecision.objects.filter(payment=payment).count() == 1


def list_credits(payment):
    return list(Transaction.objects.filter(user_id=payment.user_id).values_list("amount", flat=True))
