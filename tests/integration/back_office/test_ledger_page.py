"""The ledger, holds and receivables, and what each row leads to."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from billing.models import Hold, Receivable, Transaction
from tests.factories.billing import WalletFactory, post
from tests.factories.disputes import open_dispute, resolve
from tests.factories.payments import PaymentFactory
from tests.factories.people import ask
from tests.factories.refunds import ReceivableFactory, place, request
from tests.factories.users import UserFactory
from tests.integration.back_office.gateway import expect
from tests.integration.back_office.reading import count_queries, list_offers, read
from tests.unit.payments.services.disputing import make_paid, spend

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/billing/transaction/"
HOLDS = "/admin/billing/hold/"
RECEIVABLES = "/admin/billing/receivable/"


@pytest.fixture
def gateway(sandbox):
    sandbox.expect = expect
    return sandbox


@pytest.fixture
def payment(db):
    return PaymentFactory(user=UserFactory(username="ada", email="ada@example.com"), at="completed")


def page_of(entry):
    return f"{LIST}{entry.pk}/change/"


def rows(client, url=LIST, **asked):
    return [row.pk for row in client.get(url, asked).context["cl"].result_list]


def shorten(reference):
    return f"{reference[:4]}…{reference[-8:]}"


def leads_to(client, url, target):
    """Whether the page links there, and there is a page."""
    return f'href="{target}"' in client.get(url).content.decode() and client.get(target).status_code == 200


def test_the_list_is_human_and_newest_first(staff, payment):
    spend(payment.user, 4)

    page = read(staff("Support"), LIST)

    assert "ada Debit -4.00 21.00" in page
    assert "ada Credit 25.00 25.00 Credits bought" in page
    assert page.index("-4.00") < page.index("Credits bought")


def test_the_list_is_narrowed_by_type(staff, payment):
    debit = spend(payment.user, 4)

    assert rows(staff("Support"), type__exact="debit") == [debit.pk]


@pytest.mark.parametrize("name", ["reference", "username", "email"])
def test_entries_are_found_by(staff, payment, name):
    post(UserFactory())
    terms = {"reference": payment.reference, "username": "ada", "email": " ada@example.com "}

    assert rows(staff("Support"), q=terms[name]) == [Transaction.objects.get(user=payment.user).pk]


@pytest.mark.parametrize("term", ["nothing", "ad", "'"])
def test_nothing_is_found_by(staff, payment, term):
    assert rows(staff("Support"), q=term) == []


def test_the_page_of_a_credit_leads_to_payment_wallet_and_customer(staff, payment):
    client, entry = staff("Support"), Transaction.objects.get()

    page = read(client, page_of(entry))

    for words in (
        f"Ledger entry {payment.reference}",
        "Type Credit Customer ada Wallet Wallet of ada Credits 25.00 Balance 0.00 → 25.00",
        "Other side Paystack: money of a payment",
        "By the product itself",
        "Nothing was given back.",
    ):
        assert words in page
    assert leads_to(client, page_of(entry), f"/admin/payments/paymentlog/{payment.pk}/change/")
    assert leads_to(client, page_of(entry), f"/admin/billing/wallet/{entry.wallet_id}/change/")
    assert leads_to(client, page_of(entry), f"/admin/auth/user/{payment.user_id}/change/")


def test_the_page_of_a_refund_leads_to_it(staff, payment):
    refund, client = request(payment), staff("Support")

    assert leads_to(client, page_of(refund.ledger_entry), f"/admin/payments/refund/{refund.reference}/change/")


def test_the_page_of_an_adjustment_leads_to_it(staff, payment):
    adjustment, client = ask(payment.user, "3"), staff("Support")

    page = page_of(adjustment.ledger_entry)

    assert leads_to(client, page, f"/admin/billing/creditadjustment/{adjustment.pk}/change/")
    assert f"By {adjustment.requested_by.username}" in read(client, page)


def test_the_pages_of_a_debit_and_its_reversal_lead_to_each_other(staff, payment):
    debit, client = spend(payment.user, 4), staff("Support")
    reversal = post(
        payment.user, type="reversal", amount=Decimal(4), counter_account="revenue:sms", reverses_id=debit.pk
    )

    assert leads_to(client, page_of(debit), page_of(reversal))
    assert leads_to(client, page_of(reversal), page_of(debit))


def test_the_pages_of_a_lost_dispute_and_of_what_was_collected_lead_to_it(staff, gateway):
    payment = make_paid(gateway)
    spend(payment.user, 10)
    dispute = resolve(gateway, open_dispute(gateway, payment), "merchant-accepted")
    client = staff("Support")
    address = f"/admin/payments/dispute/{dispute.reference}/change/"

    assert leads_to(client, page_of(dispute.ledger_entry), address)
    assert leads_to(client, HOLDS, address)
    assert leads_to(client, RECEIVABLES, address)
    assert Receivable.objects.get().amount == 10


def test_nothing_is_offered_for_the_ledger_never_changes(superuser, payment):
    assert list_offers(superuser, page_of(Transaction.objects.get())) == []


def test_holds_are_human_and_lead_to_what_is_decided(staff, payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(1)
    refund, client = request(payment), staff("Support")

    page = read(client, HOLDS)

    assert f"25.00 Refund {shorten(refund.reference)} ada Held just now –" in page
    assert leads_to(client, HOLDS, f"/admin/payments/refund/{refund.reference}/change/")


def test_holds_are_narrowed_and_found(staff, payment):
    held, _ = place(payment.user, 1), post(UserFactory(username="bola"))
    other = place(User.objects.get(username="bola"), 1)
    client = staff("Support")

    assert rows(client, HOLDS, state__exact="held", q="ada") == [held.pk]
    assert rows(client, HOLDS, q=other.reference) == [other.pk]
    assert Hold.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Owed 10.00 10.00"),
        ({"collected_amount": Decimal(4)}, "Owed 6.00 10.00"),
        ({"collected_amount": Decimal(10)}, "Collected 0.00 10.00"),
        ({"cancelled_at": timezone.now()}, "Cancelled – 10.00"),
    ],
)
def test_receivables_are_human(staff, fields, words):
    owed = ReceivableFactory(**fields)

    page = read(staff("Support"), RECEIVABLES)

    assert f"{owed.user.username} {words} Dispute Lost" in page


def test_receivables_lead_to_their_payment(staff):
    owed = ReceivableFactory()

    assert leads_to(staff("Support"), RECEIVABLES, f"/admin/payments/paymentlog/{owed.payment_log_id}/change/")


def test_the_page_of_a_hold_leads_to_wallet_and_case(staff, payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(1)
    refund, client = request(payment), staff("Support")
    page = f"{HOLDS}{refund.hold_id}/change/"

    assert f"State Held Customer ada Wallet Wallet of ada Credits 25.00 Refund {refund.reference}" in read(client, page)
    assert leads_to(client, page, f"/admin/payments/refund/{refund.reference}/change/")
    assert leads_to(client, page, f"/admin/billing/wallet/{refund.hold.wallet_id}/change/")


def test_the_page_of_a_receivable_leads_to_its_payment(staff):
    owed, client = ReceivableFactory(collected_amount=4), staff("Support")
    page = f"{RECEIVABLES}{owed.pk}/change/"

    assert "Credits 10.00 Collected 4.00 Why Dispute Lost" in read(client, page)
    assert leads_to(client, page, f"/admin/payments/paymentlog/{owed.payment_log_id}/change/")


def test_who_may_not_see_the_ledger_does_not(staff, payment):
    entry = Transaction.objects.get()

    answers = [staff("Operator").get(url) for url in (LIST, page_of(entry), HOLDS, RECEIVABLES)]

    assert [answer.status_code for answer in answers] == [403] * 4


def test_queries_do_not_grow_with_the_rows(staff, payment):
    client, entry = staff("Support"), Transaction.objects.get()
    place(payment.user, 1)
    ReceivableFactory()
    urls = [LIST, page_of(entry), HOLDS, RECEIVABLES]
    count_queries(client, LIST)
    before = [count_queries(client, url) for url in urls]

    for _ in range(2):
        place(PaymentFactory(at="completed").user, 1)
        ReceivableFactory()
        WalletFactory()

    assert [count_queries(client, url) for url in urls] == before


def test_the_list_goes_into_a_file_with_whole_references_and_exact_amounts(staff, payment):
    client = staff("Auditor")

    answer = client.post(f"{LIST}export/")

    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    heading, row = content.splitlines()
    assert heading.startswith("reference,user,type,amount,balance_after,description,created_at")
    assert row.startswith(f"{payment.reference},ada,credit,25.0000,25.0000,Credits bought,20")


def test_the_list_is_sorted_by_nothing_that_has_no_index(staff, payment):
    spend(payment.user, 4)

    amounts = [row.amount for row in staff("Support").get(LIST, {"o": "4"}).context["cl"].result_list]

    assert amounts == [-4, 25]
