from decimal import Decimal

import pytest

from payments.services.refund_offers import RefundOffer, find_offer
from tests.factories.billing import post
from tests.factories.refunds import request
from tests.unit.payments.services.purchases import read
from tests.unit.payments.services.refunding import buy
from tests.unit.payments.services.reviewing import review

pytestmark = pytest.mark.django_db(transaction=True)


def offer(left_minor, left_usd, most_usd):
    return RefundOffer(left_minor=left_minor, left_usd=Decimal(left_usd), most_usd=Decimal(most_usd))


def test_all_of_a_credited_payment_can_go_back(sandbox):
    assert find_offer(buy(sandbox)) == offer(4_125_000, "25", "25")


def test_what_other_refunds_claim_is_not_left(sandbox):
    payment = buy(sandbox)
    request(payment, "10")

    assert find_offer(read(payment)) == offer(2_475_000, "15", "15")


@pytest.mark.parametrize(("spent", "most"), [("20", "5"), ("25", "0")])
def test_spent_credits_limit_it(spent, most, sandbox):
    payment = buy(sandbox)
    post(payment.user, type="debit", amount=-Decimal(spent), counter_account="revenue:sms", service="sms")

    found = find_offer(payment)

    assert found == offer(4_125_000, "25", most)
    assert found.spent == Decimal(spent)


def test_money_that_was_never_credited_takes_no_credits(sandbox):
    payment = review(sandbox)

    found = find_offer(payment)

    assert found == offer(2_000_000, "12.1212", "12.1212")
    assert found.spent == 0
