"""What comes of the form by which money of a payment is sent back, or asked to be."""

from decimal import Decimal

import pytest

from namaskah.audit.models import AuditEntry
from payments.models import Refund
from tests.factories.billing import post
from tests.factories.refunds import request
from tests.factories.snapshots import take_snapshot
from tests.integration.back_office import payment_cases
from tests.integration.back_office.forms import keep_form_open, open_form, read_messages, send
from tests.integration.back_office.payment_forms import REFUND, TRACES, act, form_of
from tests.integration.back_office.reading import read, words_of
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.purchases import read as reread
from tests.unit.payments.services.reviewing import review

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def odd(sandbox):
    """12.1212 of 25 credits were paid, and a person must look."""
    return review(sandbox)


@pytest.fixture
def completed(sandbox, settings):
    return reread(payment_cases.completed(sandbox, settings))


@pytest.mark.parametrize(("amount", "money", "credits_left"), [("10", "16,500.00 NGN", 15), ("", "41,250.00 NGN", 0)])
def test_refund_sends_a_part_or_all_of_it(amount, money, credits_left, staff, completed):
    client = staff("Support")
    form = open_form(client, form_of(completed, "refund"))

    answer = send(client, form_of(completed, "refund"), form, **REFUND | {"amount": amount})

    refund = Refund.objects.get()
    assert read_messages(answer) == [f"{refund.reference}: a worker sends {money} to Paystack within seconds."]
    assert (str(refund.idempotency_key), refund.requested_by) == (form.token, client.user)
    assert refund.reason == "Paid twice (T-7): Seen the receipt"
    assert balance(completed.user) == credits_left
    step = refund.state_transitions[0]
    assert (step["source"], step["by"]) == ("admin", client.user.username)
    entry = AuditEntry.objects.get(action="refund.request")
    assert (entry.subject, entry.reason) == (refund.reference, refund.reason)
    assert (entry.after["payment"], entry.after["amount"]) == (
        completed.reference,
        f"{refund.amount_minor / 100:.2f} NGN",
    )


def test_refund_above_the_threshold_waits_for_a_colleague(staff, completed, settings):
    settings.REFUND_APPROVAL_USD = Decimal(5)
    client = staff("Support")

    assert "Above 5.00 USD, alone or with what you sent back and adjusted alone" in read(
        client, form_of(completed, "refund")
    )
    told = read_messages(act(client, completed, "refund"))

    refund = Refund.objects.get()
    assert told == [f"{refund.reference} of 16,500.00 NGN waits for a colleague's approval; the credits are held."]
    assert (refund.state, balance(completed.user)) == ("awaiting_approval", 25)


def test_refund_shows_how_much_can_go_back_and_what_was_spent(staff, completed):
    request(completed, "5")
    post(completed.user, type="debit", amount=Decimal(-8), counter_account="revenue:sms", service="sms")

    page = read(staff("Support"), form_of(completed, "refund"))

    assert "Left to refund 20.00 USD, 33,000.00 NGN At most now 12.00 USD Spent 8.00 credits are spent or held" in page
    assert "Leave it empty for all that is left: 20.00." in page


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("25.01", "Only 25.00 of this payment can still be refunded."),
        ("20", "The wallet has 10.00 available; 20.00 are needed."),
    ],
)
def test_refund_of_too_much_is_refused_in_words(amount, sentence, staff, completed):
    post(completed.user, type="debit", amount=Decimal(-15), counter_account="revenue:sms", service="sms")
    client = staff("Support")
    before = take_snapshot(without=TRACES)

    answer = act(client, completed, "refund", amount=amount)

    assert answer.status_code == 400
    assert sentence in words_of(answer)
    assert take_snapshot(without=TRACES) == before
    assert AuditEntry.objects.get(outcome="refused").action == "refund.request"


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN", "ten", "1e9"])
def test_refund_of_what_is_no_amount_is_refused_by_the_form(amount, staff, completed):
    answer = act(staff("Support"), completed, "refund", amount=amount)

    assert answer.status_code == 400
    assert "amount" in answer.context["form"].errors
    assert not Refund.objects.exists()


def test_refund_after_credits_were_spent_meanwhile_shows_the_form_anew(staff, completed):
    client = staff("Support")
    form = open_form(client, form_of(completed, "refund"))
    post(completed.user, type="debit", amount=Decimal(-1), counter_account="revenue:sms", service="sms")

    answer = send(client, form_of(completed, "refund"), form, **REFUND)

    assert answer.status_code == 400
    assert "Something changed since you opened this page" in words_of(answer)
    assert not Refund.objects.exists()


def test_refund_of_money_that_was_never_credited(staff, odd):
    page = read(staff("Support"), form_of(odd, "refund"))

    told = read_messages(act(staff("Support"), odd, "refund", amount=""))

    assert "Left to refund 12.1212 USD, 20,000.00 NGN At most now 12.1212 USD" in page
    assert "Spent" not in page
    assert told[0].endswith("a worker sends 20,000.00 NGN to Paystack within seconds.")


def test_refund_of_a_payment_that_is_disputed_meanwhile_is_refused(staff, sandbox, settings):
    payment = payment_cases.disputed(sandbox, settings)

    answer = act(staff("Support"), payment, "refund", keep_form_open)

    assert answer.status_code == 400
    assert "The payer's bank disputes this payment; the dispute decides about the money." in words_of(answer)
    assert not Refund.objects.exists()
