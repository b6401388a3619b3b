from decimal import Decimal

import pytest

from tests.factories.billing import post
from tests.factories.people import AgentFactory, ask
from tests.factories.users import UserFactory


@pytest.fixture
def user(db):
    """A customer with 10 credits."""
    user = UserFactory()
    post(user, amount=Decimal(10))
    return user


@pytest.fixture
def agent(db):
    """A member of staff who may ask for adjustments."""
    return AgentFactory()


@pytest.fixture
def approver(db):
    """A member of staff who may decide about them."""
    return AgentFactory(permission="approve_adjustment")


@pytest.fixture
def waiting(user, agent):
    """60 credits for the user, which is more than one person may give."""
    return ask(user, "60", by=agent)
