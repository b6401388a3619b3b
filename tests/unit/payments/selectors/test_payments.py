from uuid import uuid4

import pytest

from payments.models import PaymentLog
from payments.selectors import payments
from payments.selectors.payments import PaymentNotFoundError
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.payments.services.purchases import supersede

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment():
    return PaymentFactory()


def test_get_payment(payment):
    assert payments.get_payment(user=payment.user, reference=payment.reference) == payment


def test_get_payment_of_another_user_is_not_found(payment):
    with pytest.raises(PaymentNotFoundError) as refusal:
        payments.get_payment(user=UserFactory(), reference=payment.reference)

    assert refusal.value.code == "payment_not_found"


def test_get_payment_that_does_not_exist_reads_the_same_as_another_users(payment):
    with pytest.raises(PaymentNotFoundError) as of_another:
        payments.get_payment(user=UserFactory(), reference=payment.reference)
    with pytest.raises(PaymentNotFoundError) as of_nobody:
        payments.get_payment(user=payment.user, reference="nmk-0")

    assert of_another.value.detail == of_nobody.value.detail


def test_list_payments_shows_the_users_own_alone(payment):
    PaymentFactory()
    second = PaymentFactory(user=payment.user)

    assert set(payments.list_payments(user=payment.user)) == {payment, second}


def test_find_payment_of_key_is_the_newest_attempt(payment):
    newer = supersede(payment)

    assert payments.find_payment_of_key(user=payment.user, idempotency_key=payment.idempotency_key) == newer


def test_find_payment_of_key_used_by_another_user_is_none(payment):
    assert payments.find_payment_of_key(user=UserFactory(), idempotency_key=payment.idempotency_key) is None


def test_find_payment_of_key_never_used_is_none(payment):
    assert payments.find_payment_of_key(user=payment.user, idempotency_key=uuid4()) is None
    assert PaymentLog.objects.count() == 1
