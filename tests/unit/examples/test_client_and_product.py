"""The client against the product and the sandbox, over real HTTP."""

import random
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from billing.models import Transaction
from examples.client import Client
from examples.errors import ApiError
from payments.models import PaymentLog
from tests.factories.api_keys import make_api_key
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.users import UserFactory


@pytest.fixture
def open_client(live_server, clock):
    """Return how a user gets a client; what it would sleep, only its own clock does."""
    clients = []

    def open_for(user) -> Client:
        _, secret = make_api_key(user)
        clients.append(Client(live_server.url, secret, sleep=clock.sleep, clock=clock))
        return clients[-1]

    yield open_for
    for client in clients:
        client.close()


@pytest.fixture
def service_account(transactional_db):
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="debit_wallet"))
    return user


def test_purchase_is_quoted_begun_paid_and_verified(sandbox, customer, open_client):
    client = open_client(customer)

    quote = client.quote(Decimal("25.00"), currency="NGN")
    purchase = client.initialize(Decimal("25.00"), currency="NGN")
    unpaid = client.verify(purchase.reference)
    sandbox.pay(purchase.reference, deliveries=0)
    paid = client.verify(purchase.reference)

    assert (quote.credits, quote.amount_minor, quote.exchange_rate) == (Decimal(25), 4_125_000, Decimal(1650))
    assert (purchase.amount_minor, purchase.state) == (4_125_000, "processing")
    assert purchase.created_at.utcoffset().total_seconds() == 0
    assert (unpaid.status, unpaid.amount_credited) == ("pending", Decimal(0))
    assert (paid.status, paid.state, paid.new_balance) == ("success", "completed", Decimal(25))
    assert client.balance().available == Decimal(25)
    assert client.balance().updated_at > purchase.created_at
    assert [entry.payment_reference for entry in client.transactions()] == [purchase.reference]


@pytest.mark.usefixtures("longest_pauses")
@pytest.mark.parametrize("fault", ["reset_before_accept", "reset_after_accept", "http_500_after_accept", "not_json"])
def test_purchase_whose_answer_paystack_lost_is_gone_on_with(sandbox, customer, open_client, clock, fault):
    sandbox.script(operation="initialize", fault=fault)
    client = open_client(customer)

    purchase = client.initialize(Decimal("25.00"), currency="NGN")

    newest = PaymentLog.objects.get(superseded_by=None)
    assert (purchase.reference, purchase.authorization_url) == (newest.reference, newest.authorization_url)
    assert clock.pauses == [5.5]


def test_purchase_that_paystack_refuses_is_raised_and_stays_refused_under_its_key(sandbox, customer, open_client):
    sandbox.script(operation="initialize", fault="rejected")
    client = open_client(customer)
    key = uuid4()

    refusals = []
    for _ in range(2):
        with pytest.raises(ApiError) as refused:
            client.initialize(Decimal("25.00"), currency="NGN", key=key)
        refusals.append(refused.value)

    assert [(error.status, error.code) for error in refusals] == [(502, "gateway_rejected")] * 2
    assert PaymentLog.objects.count() == 1


def test_client_without_quota_waits_as_long_as_it_is_told_and_then_gives_up(customer, open_client, clock, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": 0}

    with pytest.raises(ApiError) as refused:
        open_client(customer).balance()

    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert min(clock.pauses) >= 1
    assert sum(clock.pauses) + refused.value.retry_after_seconds + 8 > 90 > sum(clock.pauses)


def test_debit_and_reversal_show_in_the_ledger_of_the_customer(customer, service_account, open_client):
    post(customer, amount=Decimal(10))
    service = open_client(service_account)

    taken = service.debit(
        customer.pk, Decimal("1.5"), reference="sms-1", service="sms", description="Code to +234 800 000 0000"
    )
    given_back = service.reverse("sms-1", amount=Decimal("0.25"), reason="Not delivered")

    assert (taken.amount, taken.balance_after, taken.user_id) == (Decimal("-1.5"), Decimal("8.5"), customer.pk)
    assert (given_back.amount, given_back.reverses) == (Decimal("0.25"), "sms-1")
    entries = list(open_client(customer).transactions())
    assert [(entry.type, entry.status) for entry in entries] == [
        ("reversal", "completed"),
        ("debit", "partly_reversed"),
        ("adjustment", "completed"),
    ]


def test_debit_under_one_key_is_done_once(customer, service_account, open_client):
    post(customer, amount=Decimal(10))
    service = open_client(service_account)
    key = uuid4()

    twice = [service.debit(customer.pk, Decimal(1), reference="sms-1", service="sms", key=key) for _ in range(2)]

    assert twice[0] == twice[1]
    assert Transaction.objects.filter(type="debit").count() == 1


def test_refunds_are_asked_for_and_seen_in_their_payment(sandbox, customer, open_client):
    customer.user_permissions.add(Permission.objects.get(codename="request_refund"))
    client = open_client(customer)
    purchase = client.initialize(Decimal("25.00"), currency="NGN")
    sandbox.pay(purchase.reference, deliveries=0)
    client.verify(purchase.reference)

    part = client.refund(purchase.reference, amount_usd=Decimal("9.9"), reason="Bought too many")
    rest = client.refund(purchase.reference, reason="Bought too many")

    assert (part.amount_usd, part.amount_minor, part.currency) == (Decimal("9.9"), 1_633_500, "NGN")
    assert (rest.amount_usd, rest.state, rest.payment_reference) == (Decimal("15.1"), "approved", purchase.reference)
    assert client.refunds(purchase.reference) == [part, rest]
    assert client.balance().available == 0


def test_refund_under_one_key_is_made_once(sandbox, customer, open_client):
    customer.user_permissions.add(Permission.objects.get(codename="request_refund"))
    client, key = open_client(customer), uuid4()
    payment = PaymentFactory(user=customer, at="completed")

    twice = [client.refund(payment.reference, reason="Bought twice", key=key) for _ in range(2)]

    assert twice[0] == twice[1]
    assert client.refunds(payment.reference) == twice[:1]


def test_transactions_reads_every_page(customer, open_client):
    amounts = [Decimal(random.randint(1, 9)) for _ in range(5)]
    for amount in amounts:
        post(customer, amount=amount)

    entries = list(open_client(customer).transactions(page_size="2"))

    assert [entry.amount for entry in entries] == amounts[::-1]
