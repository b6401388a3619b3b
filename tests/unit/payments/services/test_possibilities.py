"""That each is what the service takes on is tested for every state in tests/integration/back_office."""

import pytest

from payments.services import possibilities
from tests.factories.disputes import open_dispute
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import request
from tests.unit.payments.services.purchases import read
from tests.unit.payments.services.refunding import buy
from tests.unit.payments.services.reviewing import review

pytestmark = pytest.mark.django_db(transaction=True)


NAMES = ("verify", "credit", "refund", "dismiss")


def possible(payment):
    return [name for name in NAMES if getattr(possibilities, f"can_{name}")(payment)]


def test_what_nobody_paid_can_be_verified():
    assert possible(PaymentFactory()) == ["verify"]


def test_what_was_paid_can_be_refunded_until_nothing_is_left(sandbox):
    payment = buy(sandbox)
    assert possible(payment) == ["refund"]

    request(payment)
    assert possible(read(payment)) == []


def test_what_is_under_review_for_its_amount_can_be_ended_in_every_way(sandbox):
    assert possible(review(sandbox)) == ["verify", "credit", "refund", "dismiss"]


def test_what_is_disputed_can_only_be_verified_and_dismissed(sandbox):
    payment = review(sandbox)
    open_dispute(sandbox, payment)

    assert possible(read(payment)) == ["verify", "dismiss"]


def test_what_is_being_refunded_cannot_be_credited(sandbox):
    payment = review(sandbox)
    request(payment, "5")

    assert possible(read(payment)) == ["verify", "refund", "dismiss"]


def test_find_refund_obstacle_says_in_words_why_no_money_goes_back(sandbox):
    payment = buy(sandbox)
    assert possibilities.find_refund_obstacle(payment) == ""
    assert "no money of it is known to have arrived" in possibilities.find_refund_obstacle(PaymentFactory())

    request(payment)

    assert possibilities.find_refund_obstacle(read(payment)) == "Nothing is left of this payment to refund."
