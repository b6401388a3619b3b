from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_redis import get_redis_connection

from billing.models import Transaction
from namaskah.errors import GatewayUnavailableError
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import PaymentState, ReviewReason, TransitionSource
from payments.models import Cause, PaymentLog
from payments.services import janitor
from payments.services.crediting import PaymentBusyError
from tests.factories.payments import PaymentFactory
from tests.integration import actors
from tests.unit.payments.services.purchases import balance, credit, read
from tests.unit.payments.services.watching import (
    AGES,
    LAST,
    URL,
    hear_of_success,
    look_at_age,
    make_due,
    make_watched,
    questions,
    seconds_until_due,
    trail,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    """A payment whose page is open and on which nobody has paid."""
    payment = make_watched()
    sandbox.expect(payment)
    return payment


def test_check_payments_asks_at_each_age_and_then_no_more(payment):
    planned = []
    for age in AGES:
        assert look_at_age(payment, age) == 1
        seen = read(payment)
        planned.append(seen.next_check_at and seen.next_check_at - payment.created_at)

    assert planned == [*AGES[1:], None]
    assert (read(payment).checks, questions()) == (8, 8)
    assert look_at_age(payment, LAST * 2) == 0
    assert questions() == 8


def test_check_payments_missed_looks_are_not_made_up_for_one_after_the_other(payment):
    age = timedelta(hours=7)

    look_at_age(payment, age)

    assert read(payment).checks == 1
    assert read(payment).next_check_at == payment.created_at + age + AGES[0]


def test_check_payments_not_due_is_not_looked_at(sandbox):
    PaymentFactory(next_check_at=timezone.now() + timedelta(minutes=1))
    PaymentFactory(next_check_at=None)

    assert janitor.check_payments() == 0
    assert questions() == 0


def test_check_payments_paid_without_any_webhook_is_credited_once(payment, sandbox):
    sandbox.pay(payment.reference)

    assert look_at_age(payment, AGES[0]) == 1
    assert look_at_age(payment, AGES[1]) == 0

    stored = read(payment)
    assert (stored.state, stored.webhook_received, stored.next_check_at) == ("completed", False, None)
    assert trail(payment) == [("completed", "janitor", "paid")]
    assert (balance(payment.user), Transaction.objects.count(), questions()) == (Decimal(25), 1, 1)

    hear_of_success(payment)
    assert (balance(payment.user), read(payment).webhook_received) == (Decimal(25), True)


def test_check_payments_never_reached_fails_and_is_still_watched(sandbox):
    payment = make_watched(PaymentState.PENDING)

    look_at_age(payment, AGES[0])

    stored = read(payment)
    assert (stored.state, stored.error_code, stored.checks) == ("failed", "never_reached", 1)
    assert stored.next_check_at == payment.created_at + AGES[1]


def test_check_payments_never_reached_is_open_to_a_late_success(sandbox):
    announced, found = make_watched(PaymentState.PENDING), make_watched(PaymentState.PENDING)
    look_at_age(announced, AGES[0])

    hear_of_success(announced)
    sandbox.expect(found)
    sandbox.pay(found.reference)
    look_at_age(found, AGES[1])

    for payment in (announced, found):
        assert (read(payment).state, read(payment).error_code) == ("completed", "")
        assert read(payment).state_transitions[-1]["reason"] == "late_success"
        assert balance(payment.user) == Decimal(25)


@pytest.mark.parametrize(
    ("state", "url"), [(PaymentState.PENDING, URL), (PaymentState.PROCESSING, URL), (PaymentState.PROCESSING, "")]
)
def test_check_payments_gateway_that_does_not_know_a_payment_with_a_page_is_asked_again(sandbox, state, url):
    """The gateway forgets nothing: an answer that denies what it gave us is not believed before the last look."""
    payment = make_watched(state, authorization_url=url)

    look_at_age(payment, AGES[0])
    assert (read(payment).state, read(payment).checks) == (state, 1)

    for age in AGES[1:]:
        look_at_age(payment, age)
    assert (read(payment).state, read(payment).error_code) == ("failed", "expired")


def test_check_payments_page_whose_address_was_lost_is_not_never_reached(sandbox):
    payment = make_watched(PaymentState.PENDING)
    sandbox.expect(payment)

    look_at_age(payment, AGES[0])

    assert (read(payment).state, read(payment).error_code) == ("pending", "")


def test_check_payments_unpaid_stays_open_until_the_last_look_and_expires(payment):
    for age in AGES[:-1]:
        look_at_age(payment, age)
    assert read(payment).state == "processing"

    look_at_age(payment, LAST)

    stored = read(payment)
    assert (stored.state, stored.error_code, stored.next_check_at) == ("failed", "expired", None)
    assert trail(payment) == [("failed", "janitor", "expired")]


def test_check_payments_expired_is_open_to_a_late_success(payment):
    for age in AGES:
        look_at_age(payment, age)

    hear_of_success(payment)

    assert (read(payment).state, read(payment).error_code) == ("completed", "")
    assert balance(payment.user) == Decimal(25)


def test_check_payments_failed_attempt_may_be_followed_by_a_paid_one(payment, sandbox):
    sandbox.pay(payment.reference, outcome="failed")
    look_at_age(payment, AGES[0])
    assert (read(payment).state, read(payment).error_code) == ("failed", "gateway_failed")
    assert read(payment).next_check_at == payment.created_at + AGES[1]

    sandbox.pay(payment.reference)
    look_at_age(payment, AGES[1])

    assert trail(payment)[1:] == [("completed", "janitor", "late_success")]
    assert balance(payment.user) == Decimal(25)


def test_check_payments_failed_one_keeps_its_reason_at_the_end(payment, sandbox):
    sandbox.pay(payment.reference, outcome="failed")

    for age in AGES:
        look_at_age(payment, age)

    stored = read(payment)
    assert (stored.state, stored.error_code, stored.next_check_at) == ("failed", "gateway_failed", None)
    assert trail(payment) == [("failed", "janitor", "gateway_failed")]


@pytest.mark.parametrize("age", [AGES[0], LAST])
def test_check_payments_gateway_away_is_no_look(payment, settings, age):
    for earlier in AGES[: AGES.index(age)]:
        look_at_age(payment, earlier)
    before = read(payment)
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    close_connections()

    assert look_at_age(payment, age) == 1

    stored = read(payment)
    assert (stored.state, stored.checks, stored.error_code) == ("processing", before.checks, "")
    assert stored.state_transitions == before.state_transitions
    assert 290 < seconds_until_due(payment) <= 300


def test_check_payments_one_that_cannot_be_looked_at_holds_up_no_other(payment, sandbox):
    poison = make_watched(next_check_at=timezone.now() - timedelta(hours=1))
    sandbox.expect(poison)
    sandbox.script(operation="verify", fault="not_json", reference=poison.reference, times=None)
    sandbox.pay(payment.reference)

    assert janitor.check_payments() == 2

    assert (read(poison).state, read(poison).checks) == ("processing", 0)
    assert read(payment).state == "completed"


def test_check_payments_looks_at_more_than_one_batch(sandbox):
    for _ in range(23):
        make_watched(PaymentState.PENDING)

    assert janitor.check_payments() == 23
    assert set(PaymentLog.objects.values_list("error_code", "checks")) == {("never_reached", 1)}


def test_check_payments_takes_a_bounded_time_and_leaves_the_others_due(sandbox):
    made = [make_watched(PaymentState.PENDING) for _ in range(3)]
    sandbox.settings.latency_milliseconds = 300

    assert janitor.check_payments(limit_seconds=0.2) == 1

    assert sorted(read(payment).checks for payment in made) == [0, 0, 1]
    sandbox.settings.latency_milliseconds = 0
    make_due()
    janitor.check_payments()
    assert {read(payment).checks > 0 for payment in made} == {True}


def test_check_payments_without_time_looks_at_nothing(payment):
    assert janitor.check_payments(limit_seconds=0) == 0
    assert read(payment).lock_version == payment.lock_version


def test_check_payments_two_at_once_ask_one_question(payment, sandbox):
    sandbox.pay(payment.reference)
    pause = actors.Pause('INSERT INTO "gateway_calls"')
    first = actors.start(pause.of(janitor.check_payments))
    pause.wait_until_reached()

    assert janitor.check_payments() == 0
    pause.go_on()

    assert first.result(actors.PATIENCE_SECONDS) == 1
    assert (questions(), balance(payment.user)) == (1, Decimal(25))


def test_check_payments_eight_at_once_ask_about_each_payment_once(sandbox):
    made = [make_watched() for _ in range(24)]
    for payment in made:
        sandbox.expect(payment)
        sandbox.pay(payment.reference)

    looked = actors.run_together([janitor.check_payments] * 8)

    assert (sum(looked), questions()) == (24, 24)
    assert [balance(payment.user) for payment in made] == [Decimal(25)] * 24


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT INTO "gateway_calls"',
        'UPDATE "gateway_calls"',
        'INSERT INTO "sms_transactions"',
        'UPDATE "payment_logs"',
    ],
)
def test_check_payments_that_dies_leaves_the_row_due_after_its_lease(payment, sandbox, statement):
    sandbox.pay(payment.reference)

    def die(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith(statement):
            raise SystemExit
        return result

    with pytest.raises(SystemExit), connection.execute_wrapper(die):
        janitor.check_payments()

    assert janitor.check_payments() == 0
    assert (read(payment).state, read(payment).checks) == ("processing", 0)
    assert 290 < seconds_until_due(payment) <= 300
    make_due()
    assert janitor.check_payments() == 1
    assert (read(payment).state, balance(payment.user)) == ("completed", Decimal(25))
    assert Transaction.objects.count() == 1


def test_check_payment_completed_since_it_was_claimed_is_not_asked_about(payment):
    credit(payment)

    checked = janitor.check_payment(payment_id=payment.pk, now=timezone.now())

    assert (checked.state, checked.next_check_at, checked.checks, questions()) == ("completed", None, 0, 0)


def test_check_payments_completed_one_that_is_still_watched_is_let_go(payment):
    credit(payment)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE payment_logs SET next_check_at = now(), lock_version = lock_version + 1")

    assert janitor.check_payments() == 1

    assert (read(payment).next_check_at, questions()) == (None, 0)


def test_check_payment_completed_while_it_is_asked_about_is_credited_once(payment, sandbox):
    sandbox.pay(payment.reference)
    pause = actors.Pause('UPDATE "gateway_calls"')
    looking = actors.start(pause.of(janitor.check_payments))
    pause.wait_until_reached()

    [told] = sandbox.transactions()
    credit(payment, gateway_transaction_id=told["id"])
    pause.go_on()

    assert looking.result(actors.PATIENCE_SECONDS) == 1
    stored = read(payment)
    assert (stored.state, stored.next_check_at, stored.checks) == ("completed", None, 0)
    assert [entry["to"] for entry in stored.state_transitions] == ["pending", "processing", "completed"]
    assert Transaction.objects.count() == 1


def test_check_payment_that_somebody_works_on_is_no_look(payment, sandbox, settings):
    settings.PAYMENT_LOCK_WAIT_SECONDS = 0.1
    sandbox.pay(payment.reference)
    get_redis_connection("locks").set(f"payment_lock:{payment.reference}", "another", px=30_000)

    with pytest.raises(PaymentBusyError):
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())

    assert (read(payment).checks, balance(payment.user)) == (0, Decimal(0))


def test_check_payment_gateway_away_is_said(payment, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    close_connections()

    with pytest.raises(GatewayUnavailableError):
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())


def test_check_payment_by_a_person_stands_in_the_trail(payment, sandbox):
    sandbox.pay(payment.reference)
    cause = Cause(source=TransitionSource.COMMAND, by="ada")

    janitor.check_payment(payment_id=payment.pk, now=timezone.now(), cause=cause)

    entry = read(payment).state_transitions[-1]
    assert (entry["to"], entry["source"], entry["by"]) == ("completed", "command", "ada")


def test_check_payments_under_review_keeps_its_reason_to_the_end(payment, sandbox):
    sandbox.pay(payment.reference, amount_minor=100)

    for age in AGES:
        look_at_age(payment, age)

    stored = read(payment)
    assert (stored.state, stored.review_reason, stored.error_code) == ("processing", "partial_debit", "")
    assert (stored.checks, stored.next_check_at, stored.amount_paid_minor) == (8, None, 100)
    assert not Transaction.objects.exists()


def test_check_payments_under_review_is_not_failed_for_want_of_an_answer(payment):
    """What a person must decide does not expire, even if the gateway now says that nobody paid."""
    payment.put_under_review(ReviewReason.WRONG_DOMAIN)
    with transaction.atomic():
        PaymentLog.write([payment], now=timezone.now())

    for age in AGES:
        look_at_age(payment, age)

    assert (read(payment).state, read(payment).review_reason) == ("processing", "wrong_domain")


def test_check_payments_ends_when_the_gateway_is_away(sandbox):
    for _ in range(4):
        make_watched(next_check_at=timezone.now() - timedelta(hours=1))
    sandbox.script(operation="any", fault="http_500", times=None)

    assert janitor.check_payments() == 2
