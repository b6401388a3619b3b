from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from billing.models import Transaction
from payments.gateways.paystack.connections import close_connections
from payments.lifecycles import PaymentState
from payments.models import GatewayCall
from payments.services import crediting, reversals
from payments.services.row_locks import lock_payment
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory
from tests.unit.payments.services.purchases import balance, is_untouched, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment():
    return PaymentFactory(at=PaymentState.PROCESSING)


def ask(payment):
    return reversals.ask_if_unsettled(payment, cause=CAUSE, now=timezone.now())


def credit_what_was_paid(payment, evidence):
    with transaction.atomic():
        return reversals.credit_what_was_paid(lock_payment(payment.pk), evidence, cause=CAUSE, now=timezone.now())


def test_ask_if_unsettled_reads_what_the_gateway_says(payment, sandbox):
    sandbox.expect(payment)
    sandbox.pay(payment.reference)

    evidence = ask(payment)

    assert (evidence.reference, evidence.status) == (payment.reference, "success")
    assert GatewayCall.objects.get().payment_id == payment.pk


def test_ask_if_unsettled_payment_that_the_gateway_does_not_know(payment, sandbox):
    assert ask(payment) is None
    assert GatewayCall.objects.count() == 1


def test_ask_if_unsettled_credited_payment_is_not_asked_about(settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    close_connections()

    assert ask(PaymentFactory(at=PaymentState.COMPLETED)) is None
    assert not GatewayCall.objects.exists()


@pytest.mark.parametrize("status", ["success", "reversed", "reversal-pending"])
@pytest.mark.parametrize("state", [PaymentState.PENDING, PaymentState.PROCESSING, PaymentState.FAILED])
def test_credit_what_was_paid_credits_whatever_became_of_the_money(status, state):
    payment = PaymentFactory(at=state)

    returned = credit_what_was_paid(payment, EvidenceFactory(of=payment, status=status))

    assert (returned.state, returned.credited_amount) == ("completed", Decimal(25))
    assert read(payment).state == "completed"
    assert balance(payment.user) == Decimal(25)


@pytest.mark.parametrize("status", ["failed", "abandoned", "ongoing", "pending", "queued", "a-new-one", ""])
def test_credit_what_was_paid_believes_nothing_else(payment, status):
    returned = credit_what_was_paid(payment, EvidenceFactory(of=payment, status=status))

    assert returned.pk == payment.pk
    assert is_untouched(payment)


def test_credit_what_was_paid_without_evidence(payment):
    assert credit_what_was_paid(payment, None).pk == payment.pk
    assert is_untouched(payment)


def test_credit_what_was_paid_credited_meanwhile_stays_as_it_is(payment):
    evidence = EvidenceFactory(of=payment)
    crediting.credit_user(reference=payment.reference, evidence=evidence, cause=CAUSE, now=timezone.now())
    before = read(payment)

    returned = credit_what_was_paid(payment, evidence)

    assert (returned.state, returned.lock_version) == ("completed", before.lock_version)
    assert Transaction.objects.count() == 1


def test_credit_what_was_paid_evidence_that_does_not_fit_asks_for_a_person(payment):
    returned = credit_what_was_paid(payment, EvidenceFactory(of=payment, status="reversed", amount_minor=100))

    assert (returned.state, returned.review_reason, returned.credited) == ("processing", "amount_mismatch", False)
    assert read(payment).amount_paid_minor == 100
    assert not Transaction.objects.exists()


def test_credit_what_was_paid_heals_what_was_taken_for_reversed():
    """Verify said `reversed` before anybody heard of the refund that explains it."""
    payment = PaymentFactory(at=PaymentState.PROCESSING)
    reversed_ = EvidenceFactory(of=payment, status="reversed")
    crediting.credit_user(reference=payment.reference, evidence=reversed_, cause=CAUSE, now=timezone.now())
    assert (read(payment).state, read(payment).error_code) == ("failed", "gateway_reversed")

    credit_what_was_paid(payment, reversed_)

    stored = read(payment)
    assert (stored.state, stored.error_code, stored.review_reason) == ("completed", "", "")
    assert stored.state_transitions[-1]["reason"] == "late_success"
