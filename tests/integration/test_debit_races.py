"""Debits, reversals and credits of one wallet at the same moment, each with a connection of its own."""

from collections import Counter
from decimal import Decimal
from functools import partial
from itertools import accumulate
from uuid import uuid4

import pytest
from django.db import connection

from billing.models import Transaction, Wallet
from tests.factories.billing import post
from tests.integration.actors import PATIENCE_SECONDS, Pause, run_together, start, wait_until_blocked
from tests.integration.api.clients import problem, read
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unlimited")]


def _outcomes(answers):
    """Return how often each status and code was answered."""
    return Counter((answer.status_code, read(answer).get("code")) for answer in answers)


def assert_ledger_is_continuous(user, *, balance):
    """Every entry goes on from the one before, and the wallet is where the last one ends."""
    rows = list(Transaction.objects.filter(wallet__user=user).order_by("sequence"))
    wallet = Wallet.objects.get(user=user)
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert [row.balance_after for row in rows] == list(accumulate(row.amount for row in rows))
    assert (wallet.balance, wallet.sequence, rows[-1].balance_after) == (Decimal(balance), len(rows), Decimal(balance))


def test_forty_debits_at_once_let_through_what_the_balance_covers(api, service):
    post(api.user, amount=Decimal("25.00"))

    answers = run_together([partial(service.debit, api.user, "1.00")] * 40)

    assert _outcomes(answers) == {(201, None): 25, (402, "insufficient_credits"): 15}
    assert_ledger_is_continuous(api.user, balance="0.00")


def test_debits_of_many_amounts_at_once_never_take_more_than_there_is(api, service):
    post(api.user, amount=Decimal("10.0000"))
    amounts = ["0.0001", "3.3333", "2.5000", "9.9999"] * 4

    answers = run_together([partial(service.debit, api.user, amount) for amount in amounts])

    taken = sum(-Decimal(read(answer)["amount"]) for answer in answers if answer.status_code == 201)
    assert set(_outcomes(answers)) == {(201, None), (402, "insufficient_credits")}
    assert_ledger_is_continuous(api.user, balance=Decimal(10) - taken)


def test_the_first_debits_at_once_of_a_user_without_a_wallet_leave_none(api, service):
    answers = run_together([partial(service.debit, api.user)] * 8)

    assert _outcomes(answers) == {(402, "insufficient_credits"): 8}
    assert (Transaction.objects.count(), Wallet.objects.count()) == (0, 0)


def test_one_key_at_once_is_one_entry(api, service):
    post(api.user)
    key = uuid4()

    answers = run_together([partial(service.debit, api.user, "4.00", key=key, reference="sms-1")] * 8)

    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert set(_outcomes(answers)) <= {(201, None), (409, "request_in_progress")}
    assert_ledger_is_continuous(api.user, balance="6.00")


def test_one_reference_at_once_is_one_entry(api, service, other_service):
    post(api.user)
    clients = [service, other_service] * 4

    answers = run_together([partial(client.debit, api.user, "4.00", reference="sms-1") for client in clients])

    assert _outcomes(answers) == {(201, None): 1, (409, "reference_used"): 7}
    assert_ledger_is_continuous(api.user, balance="6.00")


def test_one_reference_at_once_in_many_wallets_is_one_entry(api, other_api, service):
    for client in (api, other_api):
        post(client.user)
    users = [api.user, other_api.user] * 4

    answers = run_together([partial(service.debit, user, "4.00", reference="sms-1") for user in users])

    assert _outcomes(answers) == {(201, None): 1, (409, "reference_used"): 7}
    assert sorted(client.balance() for client in (api, other_api)) == ["10.00", "6.00"]


@pytest.fixture
def debited(api, service):
    """Return the reference of a debit of one credit out of ten."""
    post(api.user)
    return read(service.debit(api.user, "1.0000"))["reference"]


def test_reversals_at_once_never_give_back_more_than_the_debit(api, service, debited):
    answers = run_together([partial(service.reverse, debited, amount="0.3000")] * 10)

    assert _outcomes(answers) == {(201, None): 3, (422, "reversal_exceeds_debit"): 7}
    assert_ledger_is_continuous(api.user, balance="9.9000")


def test_reversals_of_the_rest_at_once_are_one(api, service, debited):
    answers = run_together([partial(service.reverse, debited)] * 8)

    assert _outcomes(answers) == {(201, None): 1, (422, "reversal_exceeds_debit"): 7}
    assert_ledger_is_continuous(api.user, balance="10.00")


def test_one_key_of_a_reversal_at_once_is_one_entry(api, service, debited):
    answers = run_together([partial(service.reverse, debited, key=uuid4(), amount="0.1000")] * 8)

    assert set(_outcomes(answers)) <= {(201, None), (409, "request_in_progress")}
    assert_ledger_is_continuous(api.user, balance="9.1000")


def test_a_debit_that_waited_for_another_sees_what_is_left(api, service):
    post(api.user)
    pause = Pause("UPDATE wallets")
    first = start(pause.of(partial(service.debit, api.user, "6.00")))
    pause.wait_until_reached()
    second = start(partial(service.debit, api.user, "6.00"))
    wait_until_blocked()

    pause.go_on()

    answers = [future.result(PATIENCE_SECONDS) for future in (first, second)]
    assert (answers[0].status_code, problem(answers[1])) == (201, (402, "insufficient_credits"))
    assert_ledger_is_continuous(api.user, balance="4.00")


def test_a_reversal_that_waited_for_another_sees_what_is_left(api, service, debited):
    pause = Pause("UPDATE wallets")
    first = start(pause.of(partial(service.reverse, debited, amount="0.6000")))
    pause.wait_until_reached()
    second, third = (start(partial(service.reverse, debited, **more)) for more in ({"amount": "0.6000"}, {}))
    wait_until_blocked(2)

    pause.go_on()

    answers = [future.result(PATIENCE_SECONDS) for future in (first, second, third)]
    assert (answers[0].status_code, problem(answers[1])) == (201, (422, "reversal_exceeds_debit"))
    assert (answers[2].status_code, read(answers[2])["amount"]) == (201, "0.40")
    assert_ledger_is_continuous(api.user, balance="10.00")


def test_a_debit_that_waited_for_a_credit_can_spend_it(api, service, sandbox):
    post(api.user, amount=Decimal(1))
    reference = read(api.initialize())["reference"]
    sandbox.pay(reference)
    pause = Pause('UPDATE "payment_logs"')
    credit = start(pause.of(partial(api.verify, reference)))
    pause.wait_until_reached()
    # The credit has moved the wallet and holds it.
    debit = start(partial(service.debit, api.user, "26.00"))
    wait_until_blocked()

    pause.go_on()

    assert [future.result(PATIENCE_SECONDS).status_code for future in (credit, debit)] == [200, 201]
    assert_ledger_is_continuous(api.user, balance="0.00")


def test_debits_reversals_and_credits_at_once_do_not_deadlock(api, other_api, service, other_service, sandbox):
    clients = [api, other_api]
    for client in clients:
        post(client.user, amount=Decimal(100))
    before = _count_deadlocks()

    for _ in range(5):
        paid = [(client, read(client.initialize())["reference"]) for client in clients]
        for _, reference in paid:
            sandbox.pay(reference)
        taken = [
            (by, read(by.debit(client.user, "2.00"))["reference"])
            for client in clients
            for by in (service, other_service)
        ]
        answers = run_together(
            [
                *(partial(client.verify, reference) for client, reference in paid),
                *(partial(by.reverse, reference, amount="0.5000") for by, reference in taken),
                *(partial(by.debit, client.user, "1.00") for client in clients for by in (service, other_service)),
            ]
        )
        assert _outcomes(answers) == {(200, None): 2, (201, None): 8}

    for client in clients:
        assert_ledger_is_continuous(client.user, balance=Decimal(100) + 5 * (25 - 4 + 1 - 2))
    assert _count_deadlocks() == before


def _count_deadlocks():
    """Return how many deadlocks the database has met; the ended connections have reported theirs."""
    wait_until(
        lambda: _ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1, seconds=10
    )
    return _ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


def _ask(query):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(query)
        return cursor.fetchone()[0]
