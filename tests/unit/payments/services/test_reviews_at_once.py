"""Reviews that several people, or a person and the gateway's news, end at the same moment."""

from functools import partial

import pytest

from billing.models import Wallet
from payments.models import ReviewDecision
from payments.services.crediting import CreditResult
from payments.services.reviews import NotCreditableError, NotUnderReviewError
from tests.factories.refunds import request
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.reviewing import (
    WORTH_OF_PART,
    credit_by_hand,
    dismiss,
    entries,
    hear_that_it_fits,
    resolver,
    review,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    """12.1212 of 25 credits were paid, and a person must look."""
    return review(sandbox)


def test_credit_after_review_twice_at_once_is_once(payment):
    people = [resolver(), resolver()]
    pause = actors.Pause('UPDATE "payment_logs"')
    first = actors.start(pause.of(partial(credit_by_hand, payment, by=people[0])))
    pause.wait_until_reached()
    second = actors.start(partial(credit_by_hand, payment, by=people[1]))
    actors.wait_until_blocked()

    pause.go_on()

    assert first.result(actors.PATIENCE_SECONDS).state == "completed"
    assert isinstance(second.exception(actors.PATIENCE_SECONDS), NotUnderReviewError)
    assert (ReviewDecision.objects.get().decided_by, balance(payment.user)) == (people[0], WORTH_OF_PART)


def test_review_ended_by_eight_at_once_is_ended_by_one(payment):
    calls = [partial((credit_by_hand, dismiss)[number % 2], payment, by=resolver()) for number in range(8)]

    results = actors.run_together(calls)

    assert [type(result).__name__ for result in results].count("NotUnderReviewError") == 7
    outcome = ReviewDecision.objects.get().outcome
    assert entries(payment.user) == ([("credit", WORTH_OF_PART)] if outcome == "credited" else [])


def test_credit_after_review_while_good_news_comes_is_one_credit(payment):
    by = resolver()
    pause = actors.Pause('UPDATE "payment_logs"')
    deciding = actors.start(pause.of(partial(credit_by_hand, payment, by=by)))
    pause.wait_until_reached()
    hearing = actors.start(partial(hear_that_it_fits, payment))
    actors.wait_until_blocked()

    pause.go_on()

    assert deciding.result(actors.PATIENCE_SECONDS).credited_amount == WORTH_OF_PART
    assert hearing.result(actors.PATIENCE_SECONDS) is CreditResult.ALREADY_SETTLED
    assert entries(payment.user) == [("credit", WORTH_OF_PART)]


def test_credit_after_review_of_what_good_news_credited_meanwhile_is_refused(payment):
    by = resolver()
    pause = actors.Pause('UPDATE "payment_logs"')
    hearing = actors.start(pause.of(partial(hear_that_it_fits, payment)))
    pause.wait_until_reached()
    deciding = actors.start(partial(credit_by_hand, payment, by=by))
    actors.wait_until_blocked()

    pause.go_on()

    assert hearing.result(actors.PATIENCE_SECONDS) is CreditResult.CREDITED
    assert isinstance(deciding.exception(actors.PATIENCE_SECONDS), NotUnderReviewError)
    assert (entries(payment.user), Wallet.objects.get().balance) == ([("credit", 25)], 25)


def test_credit_after_review_while_a_refund_is_asked_for_is_refused(payment):
    by, staff = resolver(), StaffFactory()
    pause = actors.Pause('INSERT INTO "refunds"')
    asking = actors.start(pause.of(partial(request, payment, by=staff)))
    pause.wait_until_reached()
    deciding = actors.start(partial(credit_by_hand, payment, by=by))
    actors.wait_until_blocked()

    pause.go_on()

    assert asking.result(actors.PATIENCE_SECONDS).credit_amount == 0
    assert isinstance(deciding.exception(actors.PATIENCE_SECONDS), NotCreditableError)
    assert entries(payment.user) == []
