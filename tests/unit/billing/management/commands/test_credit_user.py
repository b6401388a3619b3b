"""`credit_user` as the person at the shell meets it."""

import json
from decimal import Decimal
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from billing.lifecycles import AdjustmentState
from billing.models import CreditAdjustment, Transaction
from billing.selectors import wallets
from tests.factories.billing import post
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db

UNKNOWN = f"adj-{'0' * 36}"
WHY = ("--note", "The message never arrived", "--ticket", "HELP-12")


def person(*codenames):
    """Return somebody who may do just this."""
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def customer():
    user = UserFactory()
    post(user, amount=Decimal(10))
    return user


@pytest.fixture
def support():
    return person("request_adjustment")


@pytest.fixture
def finance():
    return person("approve_adjustment")


def run(*arguments, by):
    output = StringIO()
    call_command("credit_user", *arguments, "--by", by.username, stdout=output)
    return output.getvalue()


def give(customer, amount, by, *arguments):
    return run(customer.username, amount, "--reason-code", "goodwill", *WHY, *arguments, by=by)


def test_credit_user_posts_a_small_credit_at_once(customer, support):
    said = give(customer, "5.00", support)

    adjustment = CreditAdjustment.objects.get()
    entry = Transaction.objects.get(reference=adjustment.reference)
    assert (adjustment.note, adjustment.ticket) == ("The message never arrived", "HELP-12")
    assert (entry.amount, entry.counter_account, entry.created_by) == (Decimal(5), "adjustment:goodwill", support)
    assert said == (
        f"{adjustment.reference} posted: 5.00 credits for {customer.username}, whose balance is 15.00.\n"
        "It stands in the ledger.\n"
    )


def test_credit_user_takes_credits_with_a_negative_amount(customer, support):
    give(customer, "-4.00", support)

    assert wallets.get_balance(user=customer) == Decimal(6)


def test_credit_user_under_the_same_key_is_made_once(customer, support):
    key = str(uuid4())

    first, second = (give(customer, "5.00", support, "--key", key) for _ in range(2))

    assert first == second
    assert wallets.get_balance(user=customer) == Decimal(15)


def test_credit_user_above_the_threshold_waits_for_another_person(customer, support, finance):
    said = give(customer, "50.01", support)

    adjustment = CreditAdjustment.objects.get()
    assert adjustment.state == AdjustmentState.AWAITING_APPROVAL
    assert wallets.get_balance(user=customer) == Decimal(10)
    assert said.endswith(
        f"Nothing has moved. Another person decides: credit_user {adjustment.reference} --approve --by …\n"
    )

    run(adjustment.reference, "--approve", by=finance)

    assert wallets.get_balance(user=customer) == Decimal("60.01")


def test_credit_user_rejected_moves_nothing(customer, support, finance):
    give(customer, "60", support)

    said = run(CreditAdjustment.objects.get().reference, "--reject", "--note", "Too much", by=finance)

    adjustment = CreditAdjustment.objects.get()
    assert (adjustment.state, adjustment.decision_comment) == (AdjustmentState.REJECTED, "Too much")
    assert wallets.get_balance(user=customer) == Decimal(10)
    assert said.endswith("Nothing has moved.\n")


@pytest.mark.django_db(transaction=True)
def test_credit_user_dry_run_says_what_would_be_and_writes_nothing(customer, support):
    said = give(customer, "5.00", support, "--dry-run")

    assert said == (
        f"Would be posted: 5.00 credits for {customer.username}, whose balance would be 15.00. Nothing was changed.\n"
    )
    assert CreditAdjustment.objects.count() == 0
    assert wallets.get_balance(user=customer) == Decimal(10)


def test_credit_user_tells_it_as_json(customer, support):
    said = json.loads(give(customer, "5.00", support, "--json"))

    reference = CreditAdjustment.objects.get().reference
    assert said == {
        "adjustment": reference,
        "state": "posted",
        "amount": "5.00",
        "balance": "15.00",
        "dry_run": False,
    }


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["nobody", "5", "--reason-code", "goodwill", *WHY], "There is no user 'nobody'", 1),
        (["nobody", "5", *WHY], "Name a --reason-code: goodwill, correction", 2),
        (["nobody", "5", "--reason-code", "goodwill", "--ticket", "1"], "Say why with --note", 2),
        (["nobody", "--reason-code", "goodwill", *WHY], "Name an amount for a user", 2),
        ([UNKNOWN, "--approve"], f"There is no adjustment '{UNKNOWN}'", 1),
        ([UNKNOWN, "--reject"], "Say why with --note", 2),
        ([UNKNOWN, "5", "--approve"], "Name an amount for a user, and none for a decision", 2),
        ([UNKNOWN, "--approve", "--ticket", "1"], "A decision takes no --reason-code, --ticket or --key", 2),
        ([UNKNOWN, "--approve", "--reason-code", "goodwill"], "A decision takes no --reason-code, --ticket", 2),
        ([UNKNOWN, "--approve", "--key", str(uuid4())], "A decision takes no --reason-code, --ticket or --key", 2),
        ([UNKNOWN, "5", *WHY], "--approve and --reject are for adjustments", 2),
    ],
)
def test_credit_user_refuses_what_it_cannot_mean(support, arguments, message, status):
    with pytest.raises(CommandError) as refusal:
        run(*arguments, by=support)

    assert str(refusal.value).startswith(message)
    assert refusal.value.returncode == status
    assert CreditAdjustment.objects.count() == 0


def test_credit_user_without_a_ticket_asks_for_the_case(customer, support):
    with pytest.raises(CommandError, match=r"^Name the case with --ticket; it stands beside what is done\.$"):
        run(customer.username, "5", "--reason-code", "goodwill", "--note", "?", by=support)

    assert CreditAdjustment.objects.count() == 0


@pytest.mark.parametrize("option", ["--note", "--ticket", "--by"])
def test_credit_user_refuses_what_is_no_text(customer, support, option):
    with pytest.raises(CommandError, match=f"argument {option}: must be printable text"):
        give(customer, "5.00", support, option, "a\udcff")

    assert CreditAdjustment.objects.count() == 0


@pytest.mark.parametrize("amount", ["0", "NaN", "Infinity", "0.00001", "10000.0001", "1e400", "five"])
def test_credit_user_refuses_an_amount_that_is_none(customer, support, amount):
    with pytest.raises(CommandError, match="amount"):
        give(customer, amount, support)

    assert wallets.get_balance(user=customer) == Decimal(10)


def test_credit_user_refuses_to_take_more_than_is_there(customer, support):
    with pytest.raises(CommandError, match=r"10.00 available"):
        give(customer, "-10.01", support)

    assert CreditAdjustment.objects.count() == 0


def test_credit_user_without_the_permission_is_refused(customer, finance):
    with pytest.raises(CommandError, match="You may not adjust wallets"):
        give(customer, "5.00", finance)

    assert CreditAdjustment.objects.count() == 0
