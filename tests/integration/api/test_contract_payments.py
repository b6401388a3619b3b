"""Section 2 of the contract, as far as the tests of each endpoint do not show it yet."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.utils import timezone

from devtools.sandbox.ledger import payments as gateway_payments
from devtools.sandbox.ledger import tables
from payments.api.serializers import CHANNELS
from payments.lifecycles import PaymentState
from payments.models import GatewayCall, PaymentLog
from tests.factories.billing import ExchangeRateFactory
from tests.factories.payments import PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.integration.actors import PATIENCE_SECONDS, start
from tests.integration.api.clients import PAYMENTS, QUOTE, ApiClient, field_codes, problem, read
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


@pytest.fixture
def reference(api, sandbox):
    """Return the reference of a purchase that waits for its payer."""
    return read(api.initialize())["reference"]


def test_a_purchase_is_in_naira_unless_told_otherwise(api, sandbox):
    assert read(api.initialize())["currency"] == "NGN"


@pytest.mark.parametrize("currency", settings.CURRENCIES)
def test_a_purchase_can_be_made_in_every_configured_currency(sandbox, db, currency):
    if currency != "USD":
        ExchangeRateFactory(currency=currency, units_per_usd=Decimal(2000))

    answer = ApiClient().initialize(currency=currency)

    assert (answer.status_code, read(answer)["currency"]) == (201, currency)


def test_a_purchase_takes_every_channel_of_the_gateway(api, sandbox):
    assert api.initialize(channels=list(CHANNELS)).status_code == 201


@pytest.mark.parametrize("amount_usd", ["5.00", "10000.00"])
def test_a_purchase_takes_the_bounds_themselves(api, sandbox, amount_usd):
    answer = api.initialize(amount_usd=amount_usd)

    assert (answer.status_code, read(answer)["credits"]) == (201, amount_usd)


def test_a_reference_has_letters_digits_and_a_dash_and_one_for_each_attempt(api, sandbox):
    sandbox.script(operation="initialize", fault="rejected", code="duplicate_reference", message="Duplicate")

    reference = read(api.initialize())["reference"]

    references = list(PaymentLog.objects.order_by("id").values_list("reference", flat=True))
    assert (len(references), references[1]) == (2, reference)
    assert all(re.fullmatch(r"nmk-[a-z0-9]{1,36}", each) for each in references)
    assert references == sorted(set(references))


def test_the_rate_is_fixed_when_the_purchase_begins(api, sandbox, reference):
    ExchangeRateFactory(units_per_usd=Decimal(3300))

    shown = read(api.get(f"{PAYMENTS}/{reference}"))
    sandbox.pay(reference)
    verified = read(api.verify(reference))

    assert (shown["exchange_rate"], shown["amount_minor"]) == ("1650.000000", 4_125_000)
    assert (verified["amount_credited"], read(api.initialize())["amount_minor"]) == ("25.00", 8_250_000)


def test_a_gateway_that_failed_five_times_is_not_asked_for_a_while(api, sandbox):
    sandbox.script(operation="initialize", fault="http_500", times=5)
    failed = [api.initialize() for _ in range(5)]

    refused = api.initialize()

    assert {problem(answer) for answer in failed} == {(503, "gateway_outcome_unknown")}
    assert problem(refused) == (503, "gateway_unavailable")
    assert 1 <= int(refused["Retry-After"]) <= 10
    assert PaymentLog.objects.latest("id").state == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_call_too_many_at_a_slow_gateway_is_refused_at_once(api, other_api, sandbox, settings):
    settings.GATEWAY_CONCURRENCY = 1
    sandbox.script(operation="initialize", fault="drip", pause_milliseconds=5)
    slow = start(api.initialize)
    # Not when the call is noted, which is before it has its place in the queue.
    wait_until(lambda: _has_reached(sandbox), seconds=10)

    refused = other_api.initialize()

    assert problem(refused) == (503, "gateway_unavailable")
    assert refused["Retry-After"] == "1"
    assert PaymentLog.objects.get(user=other_api.user).state == "pending"
    assert slow.result(PATIENCE_SECONDS).status_code == 201


def _has_reached(sandbox):
    """Whether a call that was noted has arrived at the gateway."""
    noted = set(GatewayCall.objects.values_list("reference", flat=True))
    return any(row["reference"] in noted for row in sandbox.transactions())


def _have_status(sandbox, reference, status):
    """Have the gateway call the transaction what no payer can bring about."""
    with sandbox.database.work() as connection:
        transaction = gateway_payments.find_by_reference(connection, reference)
        tables.transactions.write(connection, replace(transaction, status=status))


@pytest.mark.parametrize(
    ("said", "status", "state", "message"),
    [
        *((open_, "pending", "processing", "Payment is not completed yet") for open_ in ("ongoing", "pending")),
        *((open_, "pending", "processing", "Payment is not completed yet") for open_ in ("processing", "queued")),
        ("a-new-word", "pending", "processing", "Payment is not completed yet"),
        ("reversed", "failed", "failed", "Payment failed"),
        ("reversal-pending", "pending", "processing", "Payment is under review"),
    ],
)
def test_verify_of_a_payment_that_the_gateway_calls_otherwise(api, sandbox, reference, said, status, state, message):
    _have_status(sandbox, reference, said)

    answer = api.verify(reference)

    assert (answer.status_code, read(answer)) == (
        200,
        {
            "reference": reference,
            "status": status,
            "state": state,
            "amount_credited": "0.00",
            "new_balance": "0.00",
            "message": message,
        },
    )
    assert (PaymentLog.objects.get().review_reason == "reversal_pending") == (said == "reversal-pending")


def test_verify_of_a_credited_payment_that_is_reversed_since_is_still_a_success(api, sandbox, reference):
    sandbox.pay(reference)
    api.verify(reference)
    _have_status(sandbox, reference, "reversed")

    assert (read(api.verify(reference))["status"], api.balance()) == ("success", "25.00")


def test_a_payment_shows_what_the_list_shows_and_its_story(api):
    payment = PaymentFactory(user=api.user, at=PaymentState.FAILED)

    (row,) = read(api.get(PAYMENTS))["results"]
    shown = read(api.get(f"{PAYMENTS}/{payment.reference}"))

    story = {"state_transitions", "refunds", "review_reason", "error_code", "error_message", "paid_at", "channel"}
    assert set(shown) - set(row) == story
    assert {name: shown[name] for name in row} == row
    assert (shown["state"], shown["error_code"], shown["paid_at"], shown["refunds"]) == (
        "failed",
        "gateway_failed",
        None,
        [],
    )


def test_a_quote_tells_what_a_purchase_would_cost_and_reserves_nothing(api, sandbox):
    before = take_snapshot()

    quoted = api.get(QUOTE, amount_usd="19.99", currency="NGN")

    assert (quoted.status_code, read(quoted)) == (
        200,
        {
            "amount_usd": "19.99",
            "credits": "19.99",
            "currency": "NGN",
            "amount_minor": 3_298_350,
            "exchange_rate": "1650.000000",
        },
    )
    assert take_snapshot() == before
    bought = read(api.initialize(amount_usd="19.99"))
    assert {name: bought[name] for name in read(quoted)} == read(quoted)


@pytest.mark.parametrize(
    ("amount_usd", "units_per_usd", "amount_minor"),
    [("19.99", "15.50", 30_985), ("5.01", "0.1", 50), ("5.05", "0.1", 51), ("5.00", "0.333333", 167)],
)
def test_a_quote_is_rounded_half_up(db, amount_usd, units_per_usd, amount_minor):
    ExchangeRateFactory(currency="GHS", units_per_usd=Decimal(units_per_usd))

    answer = ApiClient().get(QUOTE, amount_usd=amount_usd, currency="GHS")

    assert read(answer)["amount_minor"] == amount_minor


def test_a_quote_is_in_naira_unless_told_otherwise_and_needs_no_rate_in_dollars(api):
    assert read(api.get(QUOTE, amount_usd="25.00"))["currency"] == "NGN"
    assert read(api.get(QUOTE, amount_usd="25.00", currency="USD"))["amount_minor"] == 2500


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({}, [("amount_usd", "required")]),
        ({"amount_usd": "4.99"}, [("amount_usd", "min_value")]),
        ({"amount_usd": "10000.01"}, [("amount_usd", "max_value")]),
        ({"amount_usd": "25.001"}, [("amount_usd", "max_places")]),
        ({"amount_usd": "25.00", "currency": "EUR"}, [("currency", "invalid_choice")]),
        ({"amount": "25.00"}, [("amount", "unknown_field")]),
    ],
)
def test_a_quote_of_what_cannot_be_bought_is_refused(api, query, errors):
    assert field_codes(api.get(QUOTE, **query)) == errors


def test_a_quote_is_refused_as_the_purchase_would_be(db):
    client = ApiClient()
    ExchangeRateFactory(units_per_usd=Decimal("1.000000"))
    ExchangeRateFactory(currency="GHS", valid_from=timezone.now() - timedelta(hours=72, minutes=1))

    answers = {currency: client.get(QUOTE, amount_usd="5.00", currency=currency) for currency in ("NGN", "KES", "GHS")}

    assert {currency: problem(answer) for currency, answer in answers.items()} == {
        "NGN": (422, "amount_too_small"),
        "KES": (422, "currency_not_available"),
        "GHS": (503, "exchange_rate_stale"),
    }
    assert answers["GHS"]["Retry-After"] == "600"
