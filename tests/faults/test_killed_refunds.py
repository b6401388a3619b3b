"""Celery workers killed with -9 at every point of a refund: money goes back once at most, and every cent is told."""

from typing import NamedTuple
from uuid import uuid4

import pytest
from django.utils import timezone

from payments.lifecycles import TransitionSource
from payments.models import Cause, PaymentLog, Refund
from payments.services import refunds
from payments.services.invariants import check_invariants
from payments.services.refunds import RefundRequest
from tests.factories.billing import ExchangeRateFactory
from tests.factories.users import StaffFactory
from tests.faults import background_product, books
from tests.faults.background_deaths import Case, Death, Deaths
from tests.faults.books import TAKEN, Wallet, is_inbox_drained
from tests.faults.numbers import KILLS, who_dies
from tests.faults.trials import tally
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


class Left(NamedTuple):
    """What a dead worker left: the refund's state, and how many refunds the gateway has."""

    state: str
    sent: int


class Ending(NamedTuple):
    """How a refund ended: what its first worker left, its state, what the gateway has, and the wallet."""

    left: Left | None
    state: str
    sent: int
    wallet: Wallet


UNDECIDED = ("approved", "submitting", "unknown")
NOTHING_SENT = Left("submitting", 0)
SENT = Left("submitting", 1)
# What was certainly not sent is sent; what may have been sent never again, be it for a person to decide.
SUBMISSIONS = (
    Death(("claimed",), Left("approved", 0), ends="processed"),
    Death(("submitting",), Left("approved", 0), ends="processed"),
    Death(("submitting.written",), Left("approved", 0), ends="processed"),
    Death(("submitting.committed",), NOTHING_SENT, ends="needs_attention"),
    Death(("refund.unsent",), NOTHING_SENT, ends="needs_attention"),
    Death(("refund.answered",), SENT, ends="processed"),
    Death(("submitted",), SENT, ends="processed"),
    Death(("submitted.written",), SENT, ends="processed"),
    Death(("submitted.committed",), Left("submitted", 1), ends="processed"),
    # Those who look for it die as well.
    Death(("refund.unsent", "list_refunds.answered"), NOTHING_SENT, ends="needs_attention"),
    Death(("refund.unsent", "found.written"), NOTHING_SENT, ends="needs_attention"),
    Death(("refund.unsent", "found.committed"), NOTHING_SENT, ends="needs_attention"),
    Death(("refund.answered", "claimed"), SENT, ends="processed"),
    Death(("refund.answered", "list_refunds.answered"), SENT, ends="processed"),
    Death(("refund.answered", "found.written"), SENT, ends="processed"),
    Death(("refund.answered", "found.committed"), SENT, ends="processed"),
)
# Of a refund that the gateway has sent meanwhile, and told nobody.
FOLLOW_UPS = (
    Death(("claimed",), Left("submitted", 1), ends="processed"),
    Death(("list_refunds.unsent",), Left("submitted", 1), ends="processed"),
    Death(("list_refunds.answered",), Left("submitted", 1), ends="processed"),
    Death(("found",), Left("submitted", 1), ends="processed"),
    Death(("found.written",), Left("submitted", 1), ends="processed"),
    Death(("found.committed",), Left("processed", 1), ends="processed"),
)


@pytest.fixture(scope="module")
def stage(django_db_setup, tmp_path_factory):
    with background_product.on_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def rate(transactional_db):
    return ExchangeRateFactory()


@who_dies
def test_refund_whose_workers_die_is_sent_once_at_most(stage, rate, who):
    cases = stage.buy(death for death in SUBMISSIONS for _ in range(KILLS))
    deaths = Deaths(stage.planted, task="follow_up", who=who, read=lambda case: read_left(stage, case))

    with stage.background(who):
        credit_all(stage, cases)
        with stage.silent_gateway():
            deaths.plant(cases)
            request_refunds(cases)
            deaths.wait(seconds=60 + 10 * len(cases))
            wait_until(lambda: not Refund.objects.filter(state__in=UNDECIDED).exists(), seconds=60)
        for refund in stage.sandbox.ledger()["refunds"]:
            stage.sandbox.move_refund(refund["id"], "processed")
        wait_until(lambda: not Refund.objects.filter(state="submitted").exists(), seconds=60)
        wait_until(is_inbox_drained, seconds=60)

    assert tally(cases, lambda case: describe(stage, case)) == {
        death.name: {Ending(death.leaves, death.ends, int(death.ends == "processed"), TAKEN): KILLS}
        for death in SUBMISSIONS
    }
    assert_books_agree(stage)


@who_dies
def test_refund_whose_follow_up_dies_is_counted_once(stage, rate, who):
    cases = stage.buy(death for death in FOLLOW_UPS for _ in range(KILLS))
    deaths = Deaths(stage.planted, task="follow_up", who=who, read=lambda case: read_left(stage, case))

    with stage.background(who):
        credit_all(stage, cases)
        with stage.silent_gateway():
            request_refunds(cases)
            wait_until(lambda: Refund.objects.filter(state="submitted").count() == len(cases), seconds=60)
            deaths.plant(cases)
            for refund in stage.sandbox.ledger()["refunds"]:
                stage.sandbox.move_refund(refund["id"], "processed")
            deaths.wait(seconds=60 + 10 * len(cases))
            wait_until(lambda: not Refund.objects.filter(state="submitted").exists(), seconds=60)

    assert tally(cases, lambda case: describe(stage, case)) == {
        death.name: {Ending(death.leaves, death.ends, 1, TAKEN): KILLS} for death in FOLLOW_UPS
    }
    assert_books_agree(stage)
    assert set(PaymentLog.objects.values_list("state", "amount_refunded_minor")) == {("refunded", 4_125_000)}


def credit_all(stage, cases) -> None:
    stage.pay(cases, deliveries=1)
    wait_until(lambda: PaymentLog.objects.filter(credited=True).count() == len(cases), seconds=60)
    wait_until(is_inbox_drained, seconds=60)


def request_refunds(cases) -> None:
    """Ask for all of each payment back, each by another person, so that nobody need approve."""
    for case in cases:
        request = RefundRequest(
            payment_id=case.payment.pk, amount_usd=None, reason="Asked for", idempotency_key=uuid4()
        )
        refunds.request_refund(
            request=request, by=StaffFactory(), cause=Cause(source=TransitionSource.ADMIN), now=timezone.now()
        )


def read_left(stage, case: Case) -> Left:
    return Left(Refund.objects.get(payment=case.payment).state, count_sent(stage, case))


def count_sent(stage, case: Case) -> int:
    return len([refund for refund in stage.sandbox.ledger()["refunds"] if refund["reference"] == case.reference])


def describe(stage, case: Case) -> Ending:
    refund = Refund.objects.get(payment=case.payment)
    return Ending(case.left, refund.state, count_sent(stage, case), books.read_wallet(case.user))


def assert_books_agree(stage) -> None:
    references = list(PaymentLog.objects.values_list("reference", flat=True))
    assert books.read_own(references) == books.read_of_gateway(stage.sandbox, references)
    assert check_invariants() == []
