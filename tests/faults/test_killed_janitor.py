"""Celery workers killed with -9 while they ask about payments: what was paid is credited once, all stay watched."""

from typing import NamedTuple

import pytest
from django.db import transaction
from django.utils import timezone

from billing.models import Transaction
from payments.models import PaymentLog
from payments.services.invariants import check_invariants
from payments.services.row_locks import lock_payment
from tests.factories.billing import ExchangeRateFactory
from tests.faults import background_product, books
from tests.faults.background_deaths import Case, Death, Deaths
from tests.faults.books import CREDITED, Wallet
from tests.faults.numbers import KILLS, who_dies
from tests.faults.trials import tally
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


class Left(NamedTuple):
    """What a dead worker left: the payment's state, its looks, and its ledger entries."""

    state: str
    checks: int
    entries: int


class Ending(NamedTuple):
    """How a payment ended: what its first worker left, and what is true now; `is_watched` for another look."""

    left: Left | None
    state: str
    checks: int
    is_watched: bool
    wallet: Wallet


UNTOUCHED = Left("processing", 0, 0)
CREDITED_ONLY = Left("completed", 0, 1)
# Of payments that were paid, and nobody told us. The credit is committed before the look is noted.
PAID = (
    Death(("claimed",), UNTOUCHED),
    Death(("verify.unsent",), UNTOUCHED),
    Death(("verify.answered",), UNTOUCHED),
    Death(("credit",), UNTOUCHED),
    Death(("credit.written",), UNTOUCHED),
    Death(("credit.committed",), CREDITED_ONLY),
    Death(("look",), CREDITED_ONLY),
    Death(("look.written",), CREDITED_ONLY),
    Death(("look.committed",), CREDITED_ONLY),
    # A worker dies of the second look as well.
    Death(("claimed", "claimed"), UNTOUCHED),
    Death(("verify.answered", "credit.written"), UNTOUCHED),
    Death(("credit.written", "credit.committed"), UNTOUCHED),
)
UNPAID = (
    Death(("claimed",), UNTOUCHED),
    Death(("verify.answered",), UNTOUCHED),
    Death(("look",), UNTOUCHED),
    Death(("look.written",), UNTOUCHED),
    Death(("look.committed",), Left("processing", 1, 0)),
)


@pytest.fixture(scope="module")
def stage(django_db_setup, tmp_path_factory):
    with background_product.on_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def rate(transactional_db):
    return ExchangeRateFactory()


@who_dies
def test_payment_whose_janitor_dies_is_credited_once(stage, rate, who):
    cases = stage.buy(death for death in PAID for _ in range(KILLS))
    deaths = Deaths(stage.planted, task="janitor", who=who, read=read_left)
    stage.pay(cases, deliveries=0)

    with stage.background(who):
        deaths.plant(cases)
        end_the_first_minute(cases)
        deaths.wait(seconds=60 + 10 * len(cases))
        wait_until(lambda: PaymentLog.objects.filter(credited=True).count() == len(cases), seconds=60)

    assert tally(cases, describe) == {
        death.name: {Ending(death.leaves, "completed", 0, is_watched=False, wallet=CREDITED): KILLS} for death in PAID
    }
    assert_books_agree(stage)


@who_dies
def test_unpaid_payment_whose_janitor_dies_stays_open_and_watched(stage, rate, who):
    cases = stage.buy(death for death in UNPAID for _ in range(KILLS))
    deaths = Deaths(stage.planted, task="janitor", who=who, read=read_left)

    with stage.background(who):
        deaths.plant(cases)
        end_the_first_minute(cases)
        deaths.wait(seconds=60 + 10 * len(cases))
        wait_until(lambda: not PaymentLog.objects.filter(checks=0).exists(), seconds=60)

    nothing = Wallet((), None)
    assert tally(cases, describe) == {
        death.name: {Ending(death.leaves, "processing", 1, is_watched=True, wallet=nothing): KILLS} for death in UNPAID
    }
    assert_books_agree(stage)


def end_the_first_minute(cases) -> None:
    """Have the first look come now, by the product's own write; it comes a minute after the checkout page."""
    with transaction.atomic():
        now = timezone.now()
        payments = [lock_payment(case.payment.pk) for case in cases]
        for payment in payments:
            payment.next_check_at = now
        PaymentLog.write(payments, now=now)


def read_left(case: Case) -> Left:
    payment = PaymentLog.objects.get(pk=case.payment.pk)
    return Left(payment.state, payment.checks, Transaction.objects.filter(user=case.user).count())


def describe(case: Case) -> Ending:
    payment = PaymentLog.objects.get(pk=case.payment.pk)
    is_watched = payment.next_check_at is not None
    return Ending(case.left, payment.state, payment.checks, is_watched, books.read_wallet(case.user))


def assert_books_agree(stage) -> None:
    references = list(PaymentLog.objects.values_list("reference", flat=True))
    assert books.read_own(references) == books.read_of_gateway(stage.sandbox, references)
    assert check_invariants() == []
