"""When a second person must agree to a refund: above the threshold, alone or with what the same person sent back."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from billing.lifecycles import HoldState
from billing.models import Transaction, Wallet
from payments.lifecycles import PaymentState, RefundState
from payments.models import Refund
from payments.services import refunds
from payments.services.refund_terms import RefundTerms
from payments.services.refunds import needs_approval
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.people import AgentFactory
from tests.factories.refunds import RefundFactory, request
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import balance, credit

pytestmark = pytest.mark.django_db

AWAITING, APPROVED = RefundState.AWAITING_APPROVAL, RefundState.APPROVED


@pytest.fixture
def staff():
    return StaffFactory()


@pytest.fixture
def approver():
    return AgentFactory(permission="approve_refund")


@pytest.fixture
def waiting(staff):
    """A refund of 101 credits."""
    return request(buy(101), by=staff)


def buy(dollars):
    """Return a credited purchase of so many credits."""
    minor = int(Decimal(dollars) * 165_000)
    return PaymentFactory(at=PaymentState.COMPLETED, credit_amount=Decimal(dollars), amount_minor=minor)


def approve(refund, by):
    return refunds.approve_refund(refund_id=refund.pk, by=by, cause=CAUSE, now=timezone.now())


def reject(refund, by):
    return refunds.reject_refund(refund_id=refund.pk, by=by, reason="No.", cause=CAUSE, now=timezone.now())


def send_earlier(staff, dollars, *, ago=timedelta(), **changes):
    """Have the person have sent so much back by themselves some time ago."""
    payment = buy(dollars)
    return RefundFactory(payment=payment, requested_by=staff, created_at=timezone.now() - ago, **changes)


def is_waiting(refund):
    """Whether it waits; then its credits are held and nothing is booked, else they are taken."""
    stored = Refund.objects.select_related("hold").get(pk=refund.pk)
    wallet = Wallet.objects.get(user=stored.payment.user_id)
    waits = stored.state == AWAITING
    assert (stored.needs_approval, stored.hold.state) == (waits, HoldState.HELD if waits else HoldState.TAKEN)
    assert (stored.ledger_entry_id is None, wallet.held) == (waits, stored.credit_amount if waits else 0)
    assert (stored.next_check_at is None) == waits
    return waits


@pytest.mark.parametrize(("dollars", "waits"), [("100", False), ("100.0001", True), ("0.01", False), ("5000", True)])
def test_request_refund_above_the_threshold_waits(dollars, waits, staff):
    assert is_waiting(request(buy(dollars), by=staff)) is waits


def test_request_refund_of_a_small_part_of_a_large_payment_does_not_wait(staff):
    assert is_waiting(request(buy(5000), "100.00", by=staff)) is False


def test_request_refund_with_a_threshold_of_nothing_always_waits(staff, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)

    assert is_waiting(request(buy("0.01"), by=staff)) is True


@pytest.mark.parametrize(
    ("earlier", "next_one", "waits"),
    [
        (["60"], "40", False),
        (["60"], "40.0001", True),
        (["40", "30", "20"], "10", False),
        (["40", "40"], "20.01", True),
    ],
)
def test_request_refund_counts_what_the_person_sent_back(earlier, next_one, waits, staff):
    for dollars in earlier:
        assert is_waiting(request(buy(dollars), by=staff)) is False

    assert is_waiting(request(buy(next_one), by=staff)) is waits


def test_request_refund_counts_parts_of_one_payment(staff):
    payment = buy(150)

    made = [request(payment, "50.00", by=staff) for _ in range(3)]

    assert [refund.state for refund in made] == [APPROVED, APPROVED, AWAITING]
    assert (Wallet.objects.get().balance, Wallet.objects.get().held) == (50, 50)


@pytest.mark.parametrize(("ago", "waits"), [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False)])
def test_request_refund_counts_24_hours(ago, waits, staff):
    send_earlier(staff, 100, ago=ago)

    assert is_waiting(request(buy(1), by=staff)) is waits


@pytest.mark.parametrize("decide", [approve, reject])
def test_request_refund_counts_neither_what_others_sent_nor_what_another_decided(decide, staff, approver, waiting):
    request(buy(100), by=StaffFactory())
    send_earlier(None, 100)
    decide(waiting, approver)

    assert is_waiting(request(buy(100), by=staff)) is False


def test_request_refund_counts_money_that_was_never_credited(staff):
    unsettled = PaymentFactory(at=PaymentState.PROCESSING)
    credit(unsettled, amount_minor=16_000_000, requested_amount_minor=unsettled.amount_minor)
    sent = request(unsettled, by=staff)
    assert (sent.state, sent.credit_amount, sent.amount_minor) == (APPROVED, 0, 16_000_000)

    # 16,000,000 subunits are 96.9696 dollars.
    assert is_waiting(request(buy("3.04"), by=staff)) is True
    assert is_waiting(request(buy("3.03"), by=staff)) is False


def test_request_refund_of_much_money_that_was_never_credited_waits(staff):
    unsettled = PaymentFactory(at=PaymentState.PROCESSING)
    credit(unsettled, amount_minor=17_000_000, requested_amount_minor=unsettled.amount_minor)

    assert request(unsettled, by=staff).state == AWAITING


def test_needs_approval_goes_by_the_larger_of_money_and_credits(staff):
    payment, now = buy(500), timezone.now()

    def ask(amount_minor, credit_amount):
        return needs_approval(payment, RefundTerms(amount_minor, Decimal(credit_amount)), by=staff, now=now)

    assert (ask(16_500_000, "100"), ask(16_500_017, "100"), ask(1, "100.0001")) == (False, True, True)


def test_request_refund_same_key_again_is_counted_once(staff):
    payment = buy(60)
    first = request(payment, by=staff)

    again = request(payment, by=staff, idempotency_key=first.idempotency_key)

    assert again.pk == first.pk
    assert is_waiting(request(buy(40), by=staff)) is False


@pytest.mark.django_db(transaction=True)
def test_request_refund_two_at_once_that_would_fit_each_by_itself(staff):
    payments = [buy(60), buy(60)]
    pause = actors.Pause('INSERT INTO "refunds"')
    earlier = actors.start(pause.of(partial(request, payments[0], by=staff)))
    pause.wait_until_reached()
    later = actors.start(partial(request, payments[1], by=staff))
    actors.wait_until_blocked()

    pause.go_on()

    made = [future.result(actors.PATIENCE_SECONDS).state for future in (earlier, later)]
    assert made == [APPROVED, AWAITING]
    assert [balance(payment.user) for payment in payments] == [0, 60]


@pytest.mark.django_db(transaction=True)
def test_request_refund_of_eight_at_once_stays_within_the_threshold(staff):
    payments = [buy(40) for _ in range(8)]

    made = actors.run_together([partial(request, payment, by=staff) for payment in payments])

    assert sorted(refund.state for refund in made) == [APPROVED] * 2 + [AWAITING] * 6
    assert Transaction.objects.filter(type="refund").count() == 2


@pytest.mark.django_db(transaction=True)
def test_request_refund_of_two_persons_at_once_do_not_wait_for_each_other(staff):
    payment, other, another_person = buy(60), buy(60), StaffFactory()
    pause = actors.Pause('INSERT INTO "refunds"')
    slow = actors.start(pause.of(partial(request, payment, by=staff)))
    pause.wait_until_reached()

    made = request(other, by=another_person)

    pause.go_on()
    assert [made.state, slow.result(actors.PATIENCE_SECONDS).state] == [APPROVED, APPROVED]
