import pytest

from billing.models import Wallet
from tests.factories.billing import post
from tests.factories.users import UserFactory


@pytest.fixture
def wallet(db):
    """A wallet with one entry and 10 credits."""
    user = UserFactory()
    post(user, amount=10)
    return Wallet.objects.get(user=user)
