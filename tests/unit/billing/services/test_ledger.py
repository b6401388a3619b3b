from decimal import Decimal
from functools import partial
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.lifecycles import TransactionType
from billing.models import Transaction, Wallet
from billing.services import ledger
from billing.services.ledger import InsufficientCreditsError
from tests.factories.billing import EntryFactory, post
from tests.factories.refunds import place
from tests.factories.users import UserFactory
from tests.integration import actors


def post_together(*entries):
    with transaction.atomic():
        return ledger.post_entries(entries, now=timezone.now())


def balances(*users):
    return [(wallet.balance, wallet.sequence) for wallet in (Wallet.objects.get(user=user) for user in users)]


@pytest.mark.django_db
def test_post_entries_first_entry_makes_the_wallet():
    user = UserFactory()
    entry = EntryFactory(user_id=user.pk, amount=Decimal("0.1234"), description="welcome", request_id="r-1")

    [row] = post_together(entry)

    wallet = Wallet.objects.get()
    assert (wallet.user_id, wallet.balance, wallet.held, wallet.sequence) == (user.pk, Decimal("0.1234"), 0, 1)
    stored = Transaction.objects.get()
    assert stored.pk == row.pk
    assert (stored.wallet_id, stored.user_id, stored.sequence) == (wallet.pk, user.pk, 1)
    assert (stored.amount, stored.balance_after) == (Decimal("0.1234"), Decimal("0.1234"))
    assert (stored.reference, stored.idempotency_key) == (entry.reference, entry.idempotency_key)
    assert (stored.counter_account, stored.description, stored.request_id) == (
        entry.counter_account,
        "welcome",
        "r-1",
    )


@pytest.mark.django_db
def test_post_entries_several_of_one_wallet_follow_each_other_in_the_order_given():
    ada, ben = UserFactory(), UserFactory()

    rows = post_together(
        EntryFactory(user_id=ada.pk, amount=Decimal("10.0000")),
        EntryFactory(user_id=ben.pk, amount=Decimal("1.0000")),
        EntryFactory(user_id=ada.pk, amount=Decimal("-9.9999")),
        EntryFactory(user_id=ada.pk, amount=Decimal("0.0002")),
    )

    assert [(row.sequence, row.balance_after) for row in rows] == [
        (1, Decimal("10.0000")),
        (1, Decimal("1.0000")),
        (2, Decimal("0.0001")),
        (3, Decimal("0.0003")),
    ]
    assert balances(ada, ben) == [(Decimal("0.0003"), 3), (Decimal("1.0000"), 1)]


@pytest.mark.django_db
def test_post_entries_nothing_to_post_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ledger.post_entries([], now=timezone.now()) == []


@pytest.mark.django_db
def test_post_entries_down_to_zero():
    user = UserFactory()
    post(user, amount=Decimal(10))

    post(user, amount=Decimal(-10))

    assert balances(user) == [(Decimal(0), 2)]


@pytest.mark.django_db
def test_post_entries_more_than_available_is_refused_and_nothing_written():
    user = UserFactory()
    post(user, amount=Decimal(10))

    with pytest.raises(InsufficientCreditsError) as refusal:
        post(user, amount=Decimal("-10.0001"))

    assert refusal.value.code == "insufficient_credits"
    assert refusal.value.detail == "The wallet has 10.00 available, 0.0001 too little."
    assert balances(user) == [(Decimal(10), 1)]
    assert Transaction.objects.count() == 1


@pytest.mark.django_db
def test_post_entries_one_without_cover_takes_back_the_whole_batch():
    ada, ben = UserFactory(), UserFactory()
    post(ada, amount=Decimal(10))

    with pytest.raises(InsufficientCreditsError):
        post_together(EntryFactory(user_id=ada.pk, amount=Decimal(5)), EntryFactory(user_id=ben.pk, amount=Decimal(-1)))

    assert balances(ada) == [(Decimal(10), 1)]
    assert Transaction.objects.count() == 1


@pytest.mark.django_db
def test_post_entries_held_credits_do_not_count():
    user = UserFactory()
    post(user, amount=Decimal(10))
    place(user, 4)

    with pytest.raises(InsufficientCreditsError) as refusal:
        post(user, amount=Decimal("-6.0001"))
    post(user, amount=Decimal(-6))

    assert refusal.value.detail == "The wallet has 6.00 available, 0.0001 too little."
    assert balances(user) == [(Decimal(4), 2)]


@pytest.mark.django_db
def test_post_entries_credit_is_taken_while_everything_is_held():
    user = UserFactory()
    post(user, amount=Decimal(10))
    place(user, 10)

    post(user, amount=Decimal(1))

    assert balances(user) == [(Decimal(11), 2)]


@pytest.mark.django_db
def test_post_entries_reference_used_before_is_refused():
    user = UserFactory()
    used = post(user)

    with pytest.raises(IntegrityError) as refusal:
        post(user, reference=used.reference)

    assert refusal.value.__cause__.diag.constraint_name == "sms_transactions_reference_key"
    assert balances(user) == [(Decimal(10), 1)]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 50])
def test_post_entries_takes_one_insert_and_one_update_however_many(count):
    users = UserFactory.create_batch(count)
    for user in users:
        post(user)
    entries = [EntryFactory(user_id=user.pk) for user in users]

    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        ledger.post_entries(entries, now=timezone.now())

    words = [query["sql"].split()[0] for query in queries]
    assert words == ["SAVEPOINT", "SELECT", "SELECT", "SELECT", "INSERT", "UPDATE", "RELEASE"]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 50])
def test_post_entries_makes_missing_wallets_with_one_insert(count):
    entries = [EntryFactory(user_id=user.pk) for user in UserFactory.create_batch(count)]

    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        ledger.post_entries(entries, now=timezone.now())

    words = [query["sql"].split()[0] for query in queries]
    assert words == ["SAVEPOINT", "SELECT", "INSERT", "SELECT", "SELECT", "INSERT", "UPDATE", "RELEASE"]


@pytest.mark.django_db(transaction=True)
def test_post_entries_of_sixteen_threads_makes_one_wallet_with_every_credit_in_it():
    user = UserFactory()

    rows = actors.run_together([partial(post, user, amount=Decimal("1.0001"))] * 16)

    assert sorted(row.balance_after for row in rows) == [Decimal("1.0001") * number for number in range(1, 17)]
    assert sorted(row.sequence for row in rows) == list(range(1, 17))
    assert balances(user) == [(Decimal("16.0016"), 16)]
    assert Wallet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_post_entries_of_sixteen_threads_spends_no_credit_twice():
    user = UserFactory()
    post(user, amount=Decimal(5))

    results = actors.run_together([partial(post, user, amount=Decimal(-1))] * 16)

    assert sorted(type(result).__name__ for result in results) == (
        ["InsufficientCreditsError"] * 11 + ["Transaction"] * 5
    )
    assert balances(user) == [(Decimal(0), 6)]


@pytest.mark.django_db(transaction=True)
def test_lock_wallets_locks_in_ascending_order_of_the_primary_key():
    users = UserFactory.create_batch(3)
    # The later a user, the earlier the wallet: the order of the keys is not the order of the users.
    for user in reversed(users):
        post(user)
    first, _, last = Wallet.objects.order_by("pk")
    assert [first.user_id, last.user_id] == [users[2].pk, users[0].pk]

    with transaction.atomic():
        Wallet.objects.select_for_update().get(pk=first.pk)
        waiting = actors.start(lambda: post_together(*(EntryFactory(user_id=user.pk) for user in users)))
        actors.wait_until_blocked()
        later_ones = Wallet.objects.select_for_update(nowait=True).exclude(pk=first.pk)

        assert len(later_ones) == 2

    waiting.result(actors.PATIENCE_SECONDS)
    assert balances(*users) == [(Decimal(20), 2)] * 3


@pytest.mark.django_db(transaction=True)
def test_lock_wallets_reads_again_after_it_waited():
    user = UserFactory()
    post(user, amount=Decimal(10))
    is_locked, may_commit = Event(), Event()

    def spend_slowly():
        with transaction.atomic():
            ledger.post_entries([EntryFactory(user_id=user.pk, amount=Decimal(-7))], now=timezone.now())
            is_locked.set()
            may_commit.wait(actors.PATIENCE_SECONDS)

    first = actors.start(spend_slowly)
    assert is_locked.wait(actors.PATIENCE_SECONDS)
    second = actors.start(lambda: post(user, amount=Decimal(-7)))
    actors.wait_until_blocked()
    may_commit.set()

    first.result(actors.PATIENCE_SECONDS)
    assert isinstance(second.exception(actors.PATIENCE_SECONDS), InsufficientCreditsError)
    assert balances(user) == [(Decimal(3), 2)]


@pytest.mark.django_db(transaction=True)
def test_post_entries_lets_others_refer_to_a_locked_wallet():
    user = UserFactory()
    post(user)
    wallet = Wallet.objects.get(user=user)

    with transaction.atomic():
        ledger.lock_wallets([user.pk], now=timezone.now())
        # A row that refers to the wallet takes FOR KEY SHARE on it, which FOR UPDATE would block.
        seen = actors.start(lambda: _share_key(wallet.pk)).result(actors.PATIENCE_SECONDS)

    assert seen == wallet.pk


def _share_key(wallet_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM wallets WHERE id = %s FOR KEY SHARE NOWAIT", [wallet_id])
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_post_entries_reversal_gives_back_no_more_than_was_taken():
    user = UserFactory()
    post(user, amount=Decimal(10))
    debit = post(user, type=TransactionType.DEBIT, amount=Decimal(-4))
    post(user, type=TransactionType.REVERSAL, amount=Decimal(3), reverses_id=debit.pk)

    with pytest.raises(IntegrityError, match="gives back more than was taken"):
        post(user, type=TransactionType.REVERSAL, amount=Decimal("1.0001"), reverses_id=debit.pk)

    assert balances(user) == [(Decimal(9), 3)]
