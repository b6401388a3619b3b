from decimal import Decimal

import pytest

from billing.selectors import wallets
from tests.factories.billing import post
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db


def test_get_balance_of_a_user_without_a_wallet_is_zero():
    user = UserFactory()

    assert wallets.get_balance(user=user) == Decimal(0)
    assert wallets.find_wallet(user=user) is None
    assert list(wallets.list_transactions(user=user)) == []


def test_get_or_imagine_wallet_of_a_user_without_one_stores_none():
    user = UserFactory()

    wallet = wallets.get_or_imagine_wallet(user_id=user.pk)

    assert (wallet.user, wallet.balance, wallet.available, wallet.sequence) == (user, 0, 0, 0)
    assert wallets.find_wallet(user=user) is None


def test_get_or_imagine_wallet_returns_the_one_there_is():
    user = post(UserFactory(), amount=Decimal("10.0000")).user

    assert wallets.get_or_imagine_wallet(user_id=user.pk) == wallets.find_wallet(user=user)


def test_get_or_imagine_wallet_of_nobody():
    with pytest.raises(wallets.WalletNotFoundError):
        wallets.get_or_imagine_wallet(user_id=0)


def test_reads_show_the_users_own_credits_alone():
    ada, ben = UserFactory(), UserFactory()
    entry = post(ada, amount=Decimal("10.0000"))
    post(ben, amount=Decimal("7.0000"))

    assert wallets.get_balance(user=ada) == Decimal("10.0000")
    assert wallets.find_wallet(user=ada).user_id == ada.pk
    assert list(wallets.list_transactions(user=ada)) == [entry]
