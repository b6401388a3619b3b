import pytest

from tests.factories.payments import PaymentFactory


@pytest.fixture
def payment(db):
    return PaymentFactory()


@pytest.fixture
def completed(db):
    return PaymentFactory(at="completed")
