"""`refund_payment` as the person at the shell meets it."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import Transaction, Wallet
from namaskah.errors import PermissionDeniedError
from payments.lifecycles import PaymentState, RefundState
from payments.models import Refund
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.payments.services import refunding
from tests.unit.payments.services.refunding import buy

pytestmark = pytest.mark.django_db

UNKNOWN_PAYMENT = f"nmk-{'0' * 36}"
UNKNOWN_REFUND = f"rfd-{'0' * 36}"


def person(*codenames):
    """Return somebody who may do just this."""
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def payment():
    return PaymentFactory(at=PaymentState.COMPLETED)


@pytest.fixture
def support():
    return person("request_refund")


@pytest.fixture
def finance():
    return person("approve_refund")


def run(*arguments, **options):
    output = StringIO()
    call_command("refund_payment", *arguments, stdout=output, **options)
    return output.getvalue()


def ask(payment, by, *arguments, **options):
    return run(payment.reference, "--reason", "Bought too many", "--by", by.username, *arguments, **options)


def balance_of(payment):
    wallet = Wallet.objects.get(user=payment.user)
    return (wallet.balance, wallet.held)


def test_refund_payment_takes_the_credits_and_queues_the_refund(payment, support):
    said = ask(payment, support, "--amount-usd", "10.00")

    refund = Refund.objects.get()
    assert (refund.state, refund.amount_minor, refund.credit_amount) == (RefundState.APPROVED, 1_650_000, Decimal(10))
    assert (refund.requested_by, refund.reason) == (support, "Bought too many")
    assert refund.state_transitions[0]["by"] == support.username
    assert balance_of(payment) == (Decimal(15), Decimal(0))
    assert said == (
        f"{refund.reference} approved: refund of {payment.reference}, 16500.00 NGN for 10.00 credits.\n"
        "The credits are taken; a worker sends it to Paystack within seconds.\n"
    )


def test_refund_payment_without_an_amount_is_all_that_is_left(payment, support):
    ask(payment, support, "--amount-usd", "10.00")

    ask(payment, support)

    assert [refund.credit_amount for refund in Refund.objects.order_by("pk")] == [Decimal(10), Decimal(15)]


def test_refund_payment_under_the_same_key_is_made_once(payment, support):
    key = str(uuid4())

    first, second = (ask(payment, support, "--amount-usd", "10.00", "--key", key) for _ in range(2))

    assert first == second
    assert Refund.objects.count() == 1


def test_refund_payment_above_the_threshold_waits_for_another_person(payment, support, finance, settings):
    settings.REFUND_APPROVAL_USD = Decimal(10)

    said = ask(payment, support)

    refund = Refund.objects.get()
    assert refund.state == RefundState.AWAITING_APPROVAL
    assert balance_of(payment) == (Decimal(25), Decimal(25))
    assert f"refund_payment {refund.reference} --approve --by …" in said

    run(refund.reference, "--approve", "--by", finance.username)

    refund.refresh_from_db()
    assert (refund.state, refund.decided_by) == (RefundState.APPROVED, finance)
    assert balance_of(payment) == (Decimal(0), Decimal(0))


def test_refund_payment_rejected_gives_the_credits_back(payment, support, finance, settings):
    settings.REFUND_APPROVAL_USD = Decimal(10)
    ask(payment, support)

    said = run(Refund.objects.get().reference, "--reject", "--reason", "Served in full", "--by", finance.username)

    assert Refund.objects.get().state == RefundState.REJECTED
    assert balance_of(payment) == (Decimal(25), Decimal(0))
    assert said.endswith("The credits are back.\n")


@pytest.mark.django_db(transaction=True)
def test_refund_payment_dry_run_says_what_would_be_and_writes_nothing(payment, support):
    said = ask(payment, support, "--dry-run")

    assert said == (
        f"Would be approved: refund of {payment.reference}, 41250.00 NGN for 25.00 credits. Nothing was changed.\n"
    )
    assert (Refund.objects.count(), Transaction.objects.count()) == (0, 1)
    assert balance_of(payment) == (Decimal(25), Decimal(0))


def test_refund_payment_tells_it_as_json(payment, support):
    said = json.loads(ask(payment, support, "--json"))

    assert said == {
        "refund": Refund.objects.get().reference,
        "state": "approved",
        "amount_minor": 4_125_000,
        "credits": "25.00",
        "dry_run": False,
    }


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        ([UNKNOWN_PAYMENT, "--reason", "x"], f"There is no payment '{UNKNOWN_PAYMENT}'", 1),
        (["nonsense", "--reason", "x"], "There is no payment 'nonsense'", 1),
        ([UNKNOWN_REFUND, "--approve"], f"There is no refund '{UNKNOWN_REFUND}'", 1),
        ([UNKNOWN_PAYMENT], "Say why with --reason", 2),
        ([UNKNOWN_PAYMENT, "--reason", "  "], "Say why with --reason", 2),
        ([UNKNOWN_REFUND, "--reject"], "Say why with --reason", 2),
        ([UNKNOWN_REFUND, "--reason", "x"], "--approve, --reject and --never-sent are for refunds", 2),
        ([UNKNOWN_PAYMENT, "--approve"], "--approve, --reject and --never-sent are for refunds", 2),
        ([UNKNOWN_REFUND, "--approve", "--key", str(uuid4())], "A decision takes no --amount-usd and no --key", 2),
        ([UNKNOWN_REFUND, "--approve", "--amount-usd", "1.00"], "A decision takes no --amount-usd", 2),
    ],
)
def test_refund_payment_refuses_what_it_cannot_mean(support, arguments, message, status):
    with pytest.raises(CommandError) as refusal:
        run(*arguments, "--by", support.username)

    assert str(refusal.value).startswith(message)
    assert refusal.value.returncode == status
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "1e400", "0.001", "ten", "99999999"])
def test_refund_payment_refuses_an_amount_that_is_none(payment, support, amount):
    with pytest.raises(CommandError, match="is no amount"):
        ask(payment, support, f"--amount-usd={amount}")

    assert Refund.objects.count() == 0


@pytest.mark.parametrize("option", ["--reason", "--by"])
def test_refund_payment_refuses_what_is_no_text(payment, support, option):
    with pytest.raises(CommandError, match=f"argument {option}: must be printable text"):
        ask(payment, support, option, "a\udcff")

    assert Refund.objects.count() == 0


def test_refund_payment_by_nobody_is_a_usage_error(payment):
    with pytest.raises(CommandError, match="no active account 'nobody'") as refusal:
        run(payment.reference, "--reason", "x", "--by", "nobody")

    assert refusal.value.returncode == 2


def test_refund_payment_without_the_permission_is_refused(payment, finance):
    with pytest.raises(CommandError, match="You may not ask for refunds") as refusal:
        ask(payment, finance)

    assert isinstance(refusal.value.__cause__, PermissionDeniedError)
    assert Refund.objects.count() == 0


def test_refund_payment_nobody_approves_their_own(payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(10)
    both = person("request_refund", "approve_refund")
    ask(payment, both)

    with pytest.raises(CommandError, match="another person must decide"):
        run(Refund.objects.get().reference, "--approve", "--by", both.username)

    assert Refund.objects.get().state == RefundState.AWAITING_APPROVAL


def test_refund_payment_ends_one_that_was_never_sent(sandbox, support, finance):
    payment = buy(sandbox)
    sandbox.script(operation="refund", fault="reset_before_accept")
    ask(payment, support)
    refund = refunding.submit(Refund.objects.get())
    for minutes in (1, 6, 36):
        refunding.sync(payment, now=timezone.now() + timedelta(minutes=minutes), due=[refund])

    said = run(refund.reference, "--never-sent", "--reason", "Not there", "--by", finance.username)

    assert Refund.objects.get().state == RefundState.FAILED
    assert balance_of(payment) == (Decimal(25), Decimal(0))
    assert said.endswith("The credits are back. Another refund may be asked for.\n")


def test_refund_payment_keeps_the_comment_of_a_decision(payment, support, finance, settings):
    settings.REFUND_APPROVAL_USD = Decimal(10)
    ask(payment, support)

    run(Refund.objects.get().reference, "--approve", "--reason", "Seen the ticket", "--by", finance.username)

    assert Refund.objects.get().decision_comment == "Seen the ticket"
