import pytest

from payments.gateways.paystack import connections
from payments.models import PaymentLog
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import buy

from .outcomes import complain, run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

VERIFY = "verify_payment"


@pytest.fixture
def payment(sandbox):
    return buy()


def test_verify_shows_before_and_after(payment, sandbox):
    sandbox.pay(payment.reference)

    assert run(VERIFY, payment.reference) == (
        0,
        [f"before  {payment.reference} processing", f"after  {payment.reference} completed, 25.00 credited"],
    )
    assert balance(payment.user) == 25
    step = PaymentLog.objects.get().state_transitions[-1]
    assert (step["source"], step["by"]) == ("command", "")


def test_verify_by_somebody_says_who(payment, sandbox):
    sandbox.pay(payment.reference)
    StaffFactory(username="ada")

    run(VERIFY, payment.reference, "--by", "ada")

    assert PaymentLog.objects.get().state_transitions[-1]["by"] == "ada"


def test_verify_by_nobody_is_a_usage_error(payment):
    assert complain(VERIFY, payment.reference, "--by", "eve") == (
        2,
        "There is no active account 'eve' to do this: name yourself with --by.",
    )


def test_verify_shows_a_review(payment, sandbox):
    sandbox.pay(payment.reference, amount_minor=payment.amount_minor - 1)

    assert run(VERIFY, payment.reference)[1][1] == (
        f"after  {payment.reference} processing, under review (partial_debit)"
    )


def test_verify_of_what_nobody_paid_changes_nothing(payment):
    assert run(VERIFY, payment.reference) == (
        0,
        [f"before  {payment.reference} processing", f"after  {payment.reference} processing"],
    )


def test_verify_dry_run_shows_what_would_be(payment, sandbox):
    sandbox.pay(payment.reference)
    before = take_snapshot()

    assert run(VERIFY, payment.reference, "--dry-run") == (
        0,
        [f"before  {payment.reference} processing", f"would be  {payment.reference} completed, 25.00 credited"],
    )
    assert take_snapshot() == before


@pytest.mark.parametrize("is_dry", [False, True])
def test_verify_as_json(payment, sandbox, is_dry):
    sandbox.pay(payment.reference)

    told = {"reference": payment.reference, "review_reason": "", "next_check_at": None}
    assert run_json(VERIFY, payment.reference, *["--dry-run"] * is_dry) == (
        0,
        [
            {
                "before": {**told, "state": "processing", "amount_credited": None},
                "after": {**told, "state": "completed", "amount_credited": "25.00"},
                "dry_run": is_dry,
            }
        ],
    )


@pytest.mark.parametrize("reference", ["nmk-unknown", "rfd-1", "", "nmk-\udcff", "nmk-" + "0" * 36])
def test_verify_of_a_bad_reference(reference):
    assert complain(VERIFY, reference) == (1, f"There is no payment {reference!r}; references look like nmk-….")


def test_verify_while_the_gateway_is_away(payment, settings):
    settings.PAYSTACK_BASE_URL = "http://127.0.0.1:1"
    connections.close_connections()

    assert complain(VERIFY, payment.reference) == (1, "Paystack cannot be reached at the moment.")
