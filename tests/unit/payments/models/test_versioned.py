from datetime import timedelta

from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory


def test_changing_values_tell_of_every_change_but_when_the_row_was_written():
    payment = PaymentFactory.build(user=UserFactory.build())
    before = payment.changing_values

    payment.updated_at += timedelta(seconds=1)
    assert payment.changing_values == before

    payment.checks += 1
    assert payment.changing_values != before
