"""Refunds as the back office meets them, each made by the product's own steps."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories.refunds import request as ask
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office.gateway import expect
from tests.integration.back_office.refunds.pages import BIG
from tests.unit.payments.services.refunding import buy, submit, sync


@pytest.fixture
def gateway(sandbox):
    """The gateway, which can be told of a payment as initialize tells it."""
    sandbox.expect = expect
    return sandbox


@pytest.fixture
def payment(gateway):
    """250 credits that Ada bought."""
    return buy(gateway, user=UserFactory(username="ada"), **BIG)


@pytest.fixture
def waiting(payment):
    """A refund of 150 credits that waits for a second person."""
    return ask(payment, "150.00", by=StaffFactory(username="sam"))


@pytest.fixture
def sent(payment):
    """A refund of 10 credits that Paystack has."""
    return submit(ask(payment, "10.00", by=StaffFactory(username="sam")))


@pytest.fixture
def lost(gateway, payment):
    """A refund of 10 credits that never reached the gateway, as three looks have told."""
    refund = ask(payment, "10.00", by=StaffFactory(username="sam"))
    gateway.script(operation="refund", fault="reset_before_accept")
    submit(refund)
    for minutes in (1, 6, 36):
        sync(payment, now=timezone.now() + timedelta(minutes=minutes), due=[refund])
    refund.refresh_from_db()
    return refund
