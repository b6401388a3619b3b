import pytest
from django.utils import timezone
from django_redis import get_redis_connection

from namaskah.errors import GatewayUnavailableError
from payments.gateways.paystack import connections
from payments.models import GatewayCall
from payments.services import verification
from payments.services.crediting import PaymentBusyError
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.unit.payments.services.purchases import balance, is_untouched, read
from tests.unit.payments.services.told_events import buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy()


def verify(payment, *, is_rehearsal=False):
    return verification.verify_as_operator(
        payment_id=payment.pk, cause=CAUSE, now=timezone.now(), is_rehearsal=is_rehearsal
    )


def test_verify_credits_what_was_paid(payment, sandbox):
    sandbox.pay(payment.reference)

    after = verify(payment)

    assert (after.state, after.credited_amount, balance(payment.user)) == ("completed", 25, 25)
    assert after.state_transitions[-1]["source"] == "command"
    assert GatewayCall.objects.filter(payment=payment, operation="verify", outcome="answered").count() == 1


def test_verify_fails_what_the_gateway_calls_failed(payment, sandbox):
    sandbox.pay(payment.reference, outcome="failed")

    assert (verify(payment).state, balance(payment.user)) == ("failed", 0)


def test_verify_of_what_nobody_paid_changes_nothing(payment):
    after = verify(payment)

    assert after.state == "processing"
    assert is_untouched(payment)


def test_verify_of_what_the_gateway_does_not_know_changes_nothing(sandbox):
    payment = PaymentFactory()

    assert verify(payment).state == "pending"
    assert is_untouched(payment)


def test_verify_of_what_is_settled_asks_nobody(payment, sandbox):
    sandbox.pay(payment.reference)
    verify(payment)
    before = take_snapshot()

    verify(payment)

    assert take_snapshot() == before


@pytest.mark.parametrize("outcome", ["success", "failed", "abandoned"])
def test_verify_in_rehearsal_tells_what_would_be_and_writes_nothing(payment, sandbox, outcome):
    sandbox.pay(payment.reference, outcome=outcome)
    before = take_snapshot()

    told = verify(payment, is_rehearsal=True)

    assert take_snapshot() == before
    real = verify(payment)
    assert (told.state, told.credited_amount, told.error_code) == (real.state, real.credited_amount, real.error_code)


def test_verify_while_the_gateway_is_away(payment, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    connections.close_connections()

    with pytest.raises(GatewayUnavailableError):
        verify(payment)

    assert is_untouched(payment)


@pytest.mark.parametrize("is_rehearsal", [False, True])
def test_verify_of_a_payment_that_is_worked_on_elsewhere(payment, sandbox, settings, is_rehearsal):
    settings.PAYMENT_LOCK_WAIT_SECONDS = 0.1
    sandbox.pay(payment.reference)
    locks = get_redis_connection("locks")
    locks.set(f"payment_lock:{payment.reference}", "another", px=30_000)

    with pytest.raises(PaymentBusyError):
        verify(payment, is_rehearsal=is_rehearsal)

    assert is_untouched(read(payment))
