"""Celery workers killed with -9 at every point of a drain: every event has its effect, and has it once."""

from decimal import Decimal
from typing import NamedTuple

import pytest

from billing.models import Transaction
from payments.models import PaymentLog, Refund, WebhookEvent
from payments.services.invariants import check_invariants
from tests.factories.billing import ExchangeRateFactory
from tests.faults import background_product, books
from tests.faults.background_deaths import Case, Death, Deaths
from tests.faults.books import Wallet, is_inbox_drained
from tests.faults.numbers import KILLS, who_dies
from tests.faults.trials import tally
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


class Left(NamedTuple):
    """What a dead worker left of an event: its status, and how many entries it posted."""

    status: str
    entries: int


class Ending(NamedTuple):
    """How an event ended: what its first worker left, its status and attempts, the payment and the wallet."""

    left: Left | None
    events: tuple[tuple[str, int], ...]
    state: str
    wallet: Wallet


UNDONE = Left("received", 0)
DONE = Left("processed", 1)
# The first death is in a batch, the second of the event alone. Credit and mark are one database transaction.
CHARGES = (
    Death(("claimed", "claimed"), UNDONE),
    Death(("evidence", "evidence"), UNDONE),
    Death(("credit", "credit"), UNDONE),
    Death(("mark", "mark"), UNDONE),
    Death(("mark.written", "mark.written"), UNDONE),
    Death(("mark.committed",), DONE),
)
# Here the effect is committed before the mark.
NUDGES = (
    Death(("claimed",), UNDONE),
    Death(("list_refunds.unsent",), UNDONE),
    Death(("list_refunds.answered",), UNDONE),
    Death(("found",), UNDONE),
    Death(("found.written",), UNDONE),
    Death(("found.committed",), Left("received", 1)),
    Death(("mark",), Left("received", 1)),
    Death(("mark.written",), Left("received", 1)),
    Death(("mark.committed",), DONE),
)
BYSTANDER = Death((), None)
BYSTANDERS = 2


@pytest.fixture(scope="module")
def stage(django_db_setup, tmp_path_factory):
    with background_product.on_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def rate(transactional_db):
    return ExchangeRateFactory()


@who_dies
def test_charge_whose_workers_die_is_credited_once(stage, rate, who):
    cases = stage.buy(death for death in CHARGES for _ in range(KILLS))
    bystanders = iter(stage.buy([BYSTANDER] * BYSTANDERS * len(cases)))
    deaths = Deaths(stage.planted, task="drain", who=who, read=read_left_of_charge)

    with stage.background(who):
        for case in cases:
            deaths.plant([case])
            stage.pay([case, *(next(bystanders) for _ in range(BYSTANDERS))], deliveries=2)
            deaths.wait_for_first(case, seconds=60)
        deaths.wait(seconds=60 + 5 * len(cases))
        wait_until(is_inbox_drained, seconds=60)

    credited = Wallet((Decimal(25),), Decimal(25))
    assert tally(cases, lambda case: describe(case, "charge.success")) == {
        death.name: {Ending(death.leaves, (("processed", attempts_after(death)),), "completed", credited): KILLS}
        for death in CHARGES
    }
    assert_books_agree(stage)
    assert {books.read_wallet(payment.user) for payment in PaymentLog.objects.all()} == {credited}


@who_dies
def test_refund_event_whose_worker_dies_is_booked_once(stage, rate, who):
    cases = stage.buy(death for death in NUDGES for _ in range(KILLS))
    deaths = Deaths(stage.planted, task="drain", who=who, read=read_left_of_refund)

    with stage.background(who):
        stage.pay(cases, deliveries=1)
        wait_until(lambda: PaymentLog.objects.filter(credited=True).count() == len(cases), seconds=60)
        deaths.plant(cases)
        made = [stage.sandbox.request_refund(case.reference, amount_minor=None, currency=None) for case in cases]
        deaths.wait(seconds=60 + 5 * len(cases))
        wait_until(is_inbox_drained, seconds=60)
        booked = tally(cases, lambda case: describe(case, "refund.pending"))
        for refund, _ in made:
            stage.sandbox.move_refund(refund.id, "processed")
        wait_until(lambda: Refund.objects.filter(state="processed").count() == len(cases), seconds=60)
        wait_until(is_inbox_drained, seconds=60)

    taken = Wallet((Decimal(25), Decimal(-25)), Decimal(0))
    assert booked == {
        death.name: {Ending(death.leaves, (("processed", attempts_after(death)),), "completed", taken): KILLS}
        for death in NUDGES
    }
    assert_books_agree(stage)
    assert {(payment.state, books.read_wallet(payment.user)) for payment in PaymentLog.objects.all()} == {
        ("refunded", taken)
    }


def attempts_after(death: Death) -> int:
    """Return how often the event was claimed: once for each death that left it undone, and to do it."""
    return len(death.points) + (death.leaves != DONE)


def read_left_of_charge(case: Case) -> Left:
    return read_left(case, "charge.success", entry_type="credit")


def read_left_of_refund(case: Case) -> Left:
    return read_left(case, "refund.pending", entry_type="refund")


def read_left(case: Case, event_type: str, *, entry_type: str) -> Left:
    event = WebhookEvent.objects.get(reference=case.reference, event_type=event_type)
    return Left(event.status, Transaction.objects.filter(user=case.user, type=entry_type).count())


def describe(case: Case, event_type: str) -> Ending:
    events = WebhookEvent.objects.filter(reference=case.reference, event_type=event_type)
    return Ending(
        left=case.left,
        events=tuple(events.values_list("status", "attempts")),
        state=PaymentLog.objects.get(pk=case.payment.pk).state,
        wallet=books.read_wallet(case.user),
    )


def assert_books_agree(stage) -> None:
    references = list(PaymentLog.objects.values_list("reference", flat=True))
    assert books.read_own(references) == books.read_of_gateway(stage.sandbox, references)
    assert check_invariants() == []
