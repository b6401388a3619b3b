"""Traps 14 to 20: whom other systems believed, and how their sums went wrong."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum

from billing.models import Transaction, Wallet
from payments.models import PaymentLog
from payments.services import webhooks
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.users import StaffFactory
from tests.integration.actors import run_together
from tests.integration.api.clients import (
    INITIALIZE,
    TRANSACTIONS,
    ApiClient,
    deliver,
    field_codes,
    problem,
    read,
)

pytestmark = pytest.mark.django_db(transaction=True)

AMOUNT_MINOR = 4_125_000


@pytest.fixture
def reference(api, sandbox):
    """Return the reference of a purchase of 25 credits that waits for its payer."""
    return read(api.initialize())["reference"]


@pytest.fixture
def forged(other_api):
    """What a payer writes where the gateway lets payers write."""
    return f'{{"amount_usd": "9999.00", "credits": 9999, "user_id": {other_api.user.pk}, "tier": "gold"}}'


@pytest.mark.parametrize("field", ["metadata", "credits", "credit_amount", "user_id", "email", "tier", "amount_minor"])
def test_trap_14_a_client_cannot_name_what_is_decided_for_it(api, sandbox, field):
    answer = api.initialize(**{field: 9999})

    assert field_codes(answer) == [(field, "unknown_field")]
    assert PaymentLog.objects.count() == 0


def test_trap_14_metadata_decides_nothing_when_a_payment_is_verified(api, other_api, sandbox, forged):
    reference = read(api.initialize(amount_usd="5.00"))["reference"]
    sandbox.pay(reference, metadata=forged)

    verified = api.verify(reference)

    assert (read(verified)["amount_credited"], api.balance(), other_api.balance()) == ("5.00", "5.00", "0.00")


def test_trap_14_metadata_decides_nothing_when_an_event_comes(api, other_api, reference, forged):
    deliver(reference, amount_minor=AMOUNT_MINOR, metadata=forged)

    webhooks.drain_inbox()

    assert (api.balance(), other_api.balance()) == ("25.00", "0.00")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"amount_minor": 1}, "amount_mismatch"),
        ({"amount_minor": 1, "requested_amount": AMOUNT_MINOR}, "partial_debit"),
        ({"amount_minor": AMOUNT_MINOR, "currency": "GHS"}, "currency_mismatch"),
        ({"amount_minor": AMOUNT_MINOR, "status": "failed"}, "status_mismatch"),
        ({"amount_minor": AMOUNT_MINOR, "status": "abandoned"}, "status_mismatch"),
    ],
)
def test_trap_15_an_event_that_does_not_fit_credits_nothing(api, reference, said, reason):
    delivered = deliver(reference, **said)

    webhooks.drain_inbox()

    payment = PaymentLog.objects.get()
    assert delivered.status_code == 200
    assert (payment.credited, payment.review_reason, api.balance()) == (False, reason, "0.00")


def test_trap_16_verify_credits_the_payer_and_nobody_who_asks(api, other_api, service, sandbox, reference):
    sandbox.pay(reference)
    strangers = [other_api, service, ApiClient(StaffFactory())]

    answers = [stranger.verify(reference) for stranger in strangers]
    untouched = Transaction.objects.count()
    api.verify(reference)

    assert [problem(answer) for answer in answers] == [(404, "payment_not_found")] * 3
    assert untouched == 0
    assert [client.balance() for client in (api, *strangers)] == ["25.00", "0.00", "0.00", "0.00"]


@pytest.mark.parametrize("written", [b"NaN", b'"NaN"', b"Infinity", b'"-Infinity"', b'"sNaN"'])
def test_trap_17_no_amount_is_nan(api, service, written):
    post(api.user)
    body = b'{"user_id": %d, "amount": %s, "reference": "sms-1", "service": "sms"}' % (api.user.pk, written)

    debited = service.post("/api/v1/billing/debits", body, key=uuid4())
    bought = api.post(INITIALIZE, b'{"amount_usd": %s}' % written, key=uuid4())

    code = "validation_error" if written.startswith(b'"') else "malformed_json"
    assert [problem(answer) for answer in (debited, bought)] == [(400, code)] * 2
    assert api.balance() == "10.00"


def test_trap_17_the_database_holds_no_nan_either(api):
    post(api.user)

    # Postgres sorts NaN above every number, so that a lower bound alone would let it in.
    with pytest.raises(IntegrityError, match="billing_wallet_balance_is_number"), connection.cursor() as cursor:
        cursor.execute("UPDATE wallets SET balance = 'NaN'")


@pytest.mark.parametrize("written", ["19.99", 19.99])
@pytest.mark.parametrize(("units_per_usd", "amount_minor"), [("1650", 3_298_350), ("129", 257_871)])
def test_trap_17_an_amount_in_subunits_is_not_one_short(api, sandbox, written, units_per_usd, amount_minor):
    ExchangeRateFactory(currency="KES", units_per_usd=Decimal(units_per_usd))

    body = read(api.initialize(amount_usd=written, currency="KES"))

    assert (body["amount_minor"], int(19.99 * 100 * float(units_per_usd))) == (amount_minor, amount_minor - 1)


def test_trap_17_ledger_and_balance_have_the_same_four_decimals(api, service):
    post(api.user, amount=Decimal(1))
    for amount in ("0.0001", "0.1250", "0.3333", 0.0016):
        service.debit(api.user, amount)

    rows = read(api.get(TRANSACTIONS))["results"]

    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("0.5400")
    assert (rows[0]["balance_after"], rows[1]["balance_after"], api.balance()) == ("0.54", "0.5416", "0.54")


def test_trap_18_nobody_writes_a_balance_past_the_ledger(api):
    post(api.user)

    for change in ({"balance": F("balance") + 5}, {"balance": Decimal(0), "sequence": 0}, {"sequence": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Wallet.objects.filter(user=api.user).update(**change)

    assert api.balance() == "10.00"


def test_trap_18_many_writers_at_once_leave_balance_and_ledger_equal(api, service, sandbox):
    post(api.user, amount=Decimal(100))
    debit = read(service.debit(api.user, "20.00"))["reference"]
    paid = [read(api.initialize())["reference"] for _ in range(3)]
    for reference in paid:
        sandbox.pay(reference)

    answers = run_together(
        [
            *(partial(api.verify, reference) for reference in paid),
            *(partial(service.debit, api.user, "7.0001") for _ in range(4)),
            *(partial(service.reverse, debit, amount="1.0000") for _ in range(4)),
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [201] * 8
    assert api.balance() == "130.9996"
    assert Transaction.objects.aggregate(total=Sum("amount"))["total"] == Decimal("130.9996")


def test_trap_19_a_debit_is_given_back_once_whatever_its_description_says(api, service):
    post(api.user)
    first, second = (read(service.debit(api.user, "2.00", description="An SMS"))["reference"] for _ in range(2))

    answers = [service.reverse(first, reason="An SMS") for _ in range(3)]

    assert answers[0].status_code == 201
    assert [problem(answer) for answer in answers[1:]] == [(422, "reversal_exceeds_debit")] * 2
    assert api.balance() == "8.00"
    assert service.reverse(second, reason="An SMS").status_code == 201


def test_trap_20_a_payer_who_bore_the_fees_is_credited_by_verify(api, sandbox, reference):
    paid = sandbox.pay(reference, bearer="customer")["transaction"]

    answer = api.verify(reference)

    assert paid["amount_minor"] > paid["requested_amount_minor"] == AMOUNT_MINOR
    assert (read(answer)["status"], read(answer)["amount_credited"]) == ("success", "25.00")


def test_trap_20_a_payer_who_bore_the_fees_is_credited_by_an_event(api, reference):
    deliver(reference, amount_minor=AMOUNT_MINOR + 61_875, requested_amount=AMOUNT_MINOR, fees=61_875)

    webhooks.drain_inbox()

    assert (api.balance(), PaymentLog.objects.get().review_reason) == ("25.00", "")
