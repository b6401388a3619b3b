"""Refunds of money that was in doubt: credited as another amount than asked for, or never credited."""

from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from billing.models import Receivable, Wallet
from billing.services.ledger import InsufficientCreditsError
from payments.lifecycles import PaymentState, RefundState
from payments.models import Refund
from payments.services import refunds
from payments.services.crediting import CreditResult
from payments.services.refund_terms import RefundExceedsPaymentError
from tests.factories.billing import post
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.refunds import RefundFactory, request
from tests.factories.users import StaffFactory
from tests.integration import actors
from tests.unit.billing.models.raw_sql import insert, refused_by
from tests.unit.payments.models.steps import change
from tests.unit.payments.services.purchases import balance, read
from tests.unit.payments.services.refunding import move, refund_on_dashboard, submit, sync
from tests.unit.payments.services.reviewing import (
    PARTLY,
    WORTH_OF_PART,
    credit_by_hand,
    dismiss,
    entries,
    find_under_review,
    hear,
    hear_that_it_fits,
    review,
)

pytestmark = pytest.mark.django_db(transaction=True)

EXCEEDS = ("refunds_by_rule", "refund %: more than was paid would go back")
# How 25 credits were paid, what is credited for it, and what may go back.
ODD = {
    "less": (PARTLY, WORTH_OF_PART, 2_000_000),
    "another amount": ({"asked_minor": 2_000_000}, WORTH_OF_PART, 2_000_000),
    "more": ({"amount_minor": 5_000_000, "fees_minor": 0}, Decimal("30.3030"), 5_000_000),
    "more, and the fees": (
        {"amount_minor": 5_000_000, "fees_minor": 75_000, "bearer": "customer"},
        Decimal("30.3030"),
        5_075_000,
    ),
}


@pytest.fixture(params=ODD)
def odd(request):
    return ODD[request.param]


@pytest.fixture
def credited(sandbox):
    """12.1212 credits for 2,000,000 subunits, where 25 were asked for."""
    return make_credited(sandbox, PARTLY)


def make_credited(sandbox, paid):
    payment = review(sandbox, **paid)
    credit_by_hand(payment)
    return read(payment)


def take_to_its_end(sandbox, payment):
    """Send every refund of the payment and have the gateway carry it out."""
    for number, refund in enumerate(Refund.objects.filter(payment=payment).order_by("pk")):
        if refund.state == RefundState.APPROVED:
            submit(refund)
        move(sandbox, payment, "processed", which=number)
    sync(payment)


def moved(payment):
    """Return the subunits and credits of the payment's standing refunds."""
    terms = Refund.objects.filter(payment=payment).order_by("pk").values_list("amount_minor", "credit_amount")
    return list(terms)


def test_refund_of_the_whole_sends_all_that_was_paid_and_takes_all_that_was_credited(odd, sandbox):
    paid, worth, paid_minor = odd
    payment = make_credited(sandbox, paid)

    refund = request(payment)
    take_to_its_end(sandbox, payment)

    assert (refund.amount_minor, refund.credit_amount) == (paid_minor, worth)
    stored = read(payment)
    assert (stored.state, stored.amount_refunded_minor) == ("refunded", paid_minor)
    assert (entries(payment.user), balance(payment.user)) == ([("credit", worth), ("refund", -worth)], 0)


@pytest.mark.parametrize("parts", [["5", "3.33", None], ["5", "3.33", "the rest"], ["0.01", "0.01", None]])
def test_refund_in_parts_adds_up(parts, odd, sandbox):
    paid, worth, paid_minor = odd
    payment = make_credited(sandbox, paid)

    for part in parts:
        left = worth - sum(taken for _, taken in moved(payment))
        request(payment, left if part == "the rest" else part)
    take_to_its_end(sandbox, payment)

    sent, taken = zip(*moved(payment), strict=True)
    assert (sum(sent), sum(taken)) == (paid_minor, worth)
    assert (sent[0], taken[0]) == (int(Decimal(parts[0]) * 165_000), Decimal(parts[0]))
    assert (read(payment).state, balance(payment.user)) == ("refunded", 0)


def test_refund_of_a_part_leaves_the_payment_completed(credited, sandbox):
    request(credited, "5.00")
    take_to_its_end(sandbox, credited)

    stored = read(credited)
    assert (stored.state, stored.amount_refunded_minor) == ("completed", 825_000)
    assert balance(credited.user) == WORTH_OF_PART - 5


@pytest.mark.parametrize("amount", ["12.13", "12.1213", "25"])
def test_refund_of_more_than_was_credited_is_refused(amount, credited):
    post(credited.user, amount=Decimal(100))

    with pytest.raises(RefundExceedsPaymentError, match=r"Only 12\.1212 of this payment can still be refunded"):
        request(credited, amount)

    assert not Refund.objects.exists()


def test_refund_of_credits_that_were_spent_is_refused(credited):
    post(credited.user, type="debit", amount=Decimal("-0.0001"), counter_account="revenue:sms")

    with pytest.raises(InsufficientCreditsError):
        request(credited)


def test_refunds_at_once_send_no_more_than_was_paid(credited):
    staff = StaffFactory.create_batch(4)

    results = actors.run_together([partial(request, credited, "5.00", by=person) for person in staff])

    assert sorted(type(result).__name__ for result in results) == ["Refund"] * 2 + ["RefundExceedsPaymentError"] * 2
    assert Wallet.objects.get().available == WORTH_OF_PART - 10


def test_refund_made_at_the_gateway_and_one_made_here_add_up(odd, sandbox):
    paid, worth, paid_minor = odd
    payment = make_credited(sandbox, paid)
    refund_on_dashboard(sandbox, payment, 1_000_000)
    sync(payment)

    request(payment)
    take_to_its_end(sandbox, payment)

    assert moved(payment) == [
        (1_000_000, Decimal("6.0606")),
        (paid_minor - 1_000_000, worth - Decimal("6.0606")),
    ]
    assert (read(payment).state, balance(payment.user), Receivable.objects.count()) == ("refunded", 0, 0)


def test_refund_that_the_gateway_could_not_send_gives_the_credits_back_and_may_be_asked_for_again(credited, sandbox):
    submit(request(credited))
    move(sandbox, credited, "failed")
    sync(credited)
    assert balance(credited.user) == WORTH_OF_PART

    submit(request(credited))
    move(sandbox, credited, "processed", which=1)
    sync(credited)

    assert (read(credited).state, balance(credited.user)) == ("refunded", 0)


def test_refund_of_another_amount_is_bounded_by_the_database(odd, sandbox):
    paid, _, paid_minor = odd
    payment = make_credited(sandbox, paid)
    RefundFactory(payment=payment, amount_minor=paid_minor - 10)

    with refused_by(*EXCEEDS):
        insert(RefundFactory.build(payment=payment, amount_minor=11))
    with refused_by("payments_paymentlog_refunds_within_amount"):
        change(payment, amount_refunded_minor=max(paid_minor, payment.amount_minor) + 1)

    insert(RefundFactory.build(payment=payment, amount_minor=10))
    change(payment, amount_refunded_minor=paid_minor)


def test_refund_of_a_usual_payment_in_parts_that_each_round_up_adds_up():
    # 8.33 are 833.500633 subunits at this rate, and 25 are 2501.5025: three parts rounded up would be 2,503.
    payment = PaymentFactory(at=PaymentState.COMPLETED, exchange_rate=Decimal("1.000601"), amount_minor=2502)

    for part in ("8.33", "8.33", "8.34"):
        request(payment, part)

    assert moved(payment) == [(834, Decimal("8.33")), (834, Decimal("8.33")), (834, Decimal("8.34"))]
    assert balance(payment.user) == 0


@pytest.mark.parametrize(("disputed_minor", "worth"), [(4_500_000, "27.2727"), (5_000_000, "30.3030")])
def test_dispute_about_a_part_of_what_was_overpaid_holds_its_worth(disputed_minor, worth, sandbox):
    payment = make_credited(sandbox, ODD["more"][0])

    dispute = open_dispute(sandbox, payment, refund_amount_minor=disputed_minor)
    assert (dispute.credit_amount, Wallet.objects.get().held) == (Decimal(worth), Decimal(worth))
    resolve(sandbox, dispute, "merchant-accepted")

    assert (balance(payment.user), Receivable.objects.count()) == (Decimal("30.3030") - Decimal(worth), 0)


def test_dispute_about_money_credited_as_less_holds_what_was_credited(credited, sandbox):
    dispute = open_dispute(sandbox, credited)

    assert (dispute.credit_amount, Wallet.objects.get().held) == (WORTH_OF_PART, WORTH_OF_PART)


@pytest.mark.parametrize("amount", [None, "1.00"])
@pytest.mark.parametrize("how_far", ["asked for", "submitted", "processed"])
def test_money_on_its_way_back_is_not_credited_by_late_news_that_fits(amount, how_far, sandbox):
    payment = review(sandbox)
    refund = request(payment, amount)
    assert refund.credit_amount == 0
    if how_far != "asked for":
        submit(refund)
    if how_far == "processed":
        take_to_its_end(sandbox, payment)

    became = hear_that_it_fits(payment)

    is_back = how_far == "processed" and amount is None
    assert became is (CreditResult.ALREADY_SETTLED if is_back else CreditResult.UNDER_REVIEW)
    stored = read(payment)
    assert (stored.state, stored.credited) == ("refunded" if is_back else "processing", False)
    assert (stored.review_reason, entries(payment.user)) == ("" if is_back else "status_mismatch", [])


def test_money_on_its_way_back_for_which_a_person_did_not_want_to_look_again_is_not_credited(sandbox):
    payment = review(sandbox)
    request(payment, "1.00")
    hear_that_it_fits(payment)
    dismiss(payment)

    assert hear_that_it_fits(payment) is CreditResult.OPEN
    assert (find_under_review(payment), entries(payment.user)) == ("", [])


@pytest.mark.parametrize(("resolution", "is_credited"), [("merchant-accepted", False), ("declined", True)])
def test_money_that_the_bank_took_is_not_credited_by_late_news_that_fits(resolution, is_credited, sandbox):
    payment = review(sandbox)
    resolve(sandbox, open_dispute(sandbox, payment), resolution)

    became = hear_that_it_fits(payment)

    assert became is (CreditResult.CREDITED if is_credited else CreditResult.UNDER_REVIEW)
    assert find_under_review(payment) == ("" if is_credited else "status_mismatch")
    assert entries(payment.user) == ([("credit", 25)] if is_credited else [])


@pytest.mark.parametrize("end", ["rejected", "failed"])
def test_money_that_stays_is_credited_by_late_news_that_fits(end, sandbox, settings):
    payment = review(sandbox)
    if end == "rejected":
        settings.REFUND_APPROVAL_USD = Decimal(0)
        waiting = request(payment)
        assert hear_that_it_fits(payment) is CreditResult.UNDER_REVIEW
        refunds.reject_refund(refund_id=waiting.pk, by=StaffFactory(), reason="No.", cause=CAUSE, now=timezone.now())
    else:
        submit(request(payment))
        move(sandbox, payment, "failed")
        sync(payment)

    assert hear_that_it_fits(payment) is CreditResult.CREDITED
    assert (entries(payment.user), find_under_review(payment)) == ([("credit", 25)], "")


def test_money_that_a_person_sends_back_while_good_news_comes_is_not_credited(sandbox):
    payment, staff = review(sandbox), StaffFactory()
    pause = actors.Pause('INSERT INTO "refunds"')
    asking = actors.start(pause.of(partial(request, payment, by=staff)))
    pause.wait_until_reached()
    hearing = actors.start(partial(hear_that_it_fits, payment))
    actors.wait_until_blocked()

    pause.go_on()

    assert asking.result(actors.PATIENCE_SECONDS).credit_amount == 0
    assert hearing.result(actors.PATIENCE_SECONDS) is CreditResult.UNDER_REVIEW
    assert entries(payment.user) == []


def test_money_that_good_news_credits_while_a_person_sends_it_back_is_taken_again(sandbox):
    payment, staff = review(sandbox), StaffFactory()
    pause = actors.Pause('UPDATE "payment_logs"')
    hearing = actors.start(pause.of(partial(hear_that_it_fits, payment)))
    pause.wait_until_reached()
    asking = actors.start(partial(request, payment, by=staff))
    actors.wait_until_blocked()

    pause.go_on()

    assert hearing.result(actors.PATIENCE_SECONDS) is CreditResult.CREDITED
    assert asking.result(actors.PATIENCE_SECONDS).credit_amount == 25
    assert balance(payment.user) == 0


def test_money_sent_back_for_the_same_finding_stays_under_the_same_review(sandbox):
    payment = review(sandbox)
    request(payment, "1.00")

    assert hear(payment) is CreditResult.UNDER_REVIEW
    assert find_under_review(payment) == "partial_debit"
