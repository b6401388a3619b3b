"""`resolve_review` as the person at the shell meets it; what it decides: test_reviews.py."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.selectors import wallets
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import PaymentLog, ReviewDecision
from tests.factories.payments import PaymentFactory
from tests.factories.people import AgentFactory
from tests.unit.payments.services.refunding import buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person():
    return AgentFactory(permission="resolve_review")


@pytest.fixture
def payment(sandbox):
    """A purchase of 25 credits of which half was paid."""
    payment = buy(sandbox, paid={"amount_minor": 2_062_500})
    assert payment.review_reason == ReviewReason.PARTIAL_DEBIT
    return payment


def run(*arguments, by):
    output = StringIO()
    call_command("resolve_review", *arguments, "--by", by.username, stdout=output)
    return output.getvalue()


def test_resolve_review_credits_what_was_paid(payment, person):
    said = run(payment.reference, "--credit", "--note", "The payer agreed", by=person)

    decision = ReviewDecision.objects.get()
    assert said == f"{payment.reference} completed, 12.50 credited, no longer under review.\n"
    assert (decision.outcome, decision.note, decision.decided_by) == ("credited", "The payer agreed", person)
    assert wallets.get_balance(user=payment.user) == Decimal("12.5")


def test_resolve_review_dismisses(payment, person):
    said = run(payment.reference, "--dismiss", "--note", "Sent back by hand", by=person)

    assert said == f"{payment.reference} processing, no longer under review.\n"
    assert PaymentLog.objects.get(pk=payment.pk).review_reason == ""


def test_resolve_review_dry_run_changes_nothing(payment, person):
    said = run(payment.reference, "--credit", "--note", "?", "--dry-run", by=person)

    assert said == (
        f"Would be: {payment.reference} completed, 12.50 credited, no longer under review. Nothing was changed.\n"
    )
    assert ReviewDecision.objects.count() == 0
    assert PaymentLog.objects.get(pk=payment.pk).state == PaymentState.PROCESSING


def test_resolve_review_tells_it_as_json(payment, person):
    said = json.loads(run(payment.reference, "--credit", "--note", "?", "--json", by=person))

    assert said == {
        "reference": payment.reference,
        "state": "completed",
        "amount_credited": "12.50",
        "review_reason": "",
        "dry_run": False,
    }


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (("nmk-nope", "--credit", "--note", "?"), "There is no payment 'nmk-nope'", 1),
        (("nmk-nope", "--credit", "--note", "a\udcff"), "Error: argument --note: must be printable text", 1),
        (("nmk-nope", "--credit"), "Say why with --note", 2),
        (("nmk-nope", "--note", "?"), "Error: one of the arguments --credit --dismiss is required", 1),
    ],
)
def test_resolve_review_refuses_what_it_cannot_mean(person, arguments, message, status):
    with pytest.raises(CommandError) as refusal:
        run(*arguments, by=person)

    assert str(refusal.value).startswith(message)
    assert refusal.value.returncode == status


def test_resolve_review_of_a_payment_that_needs_none_is_refused(person):
    with pytest.raises(CommandError, match="not under review"):
        run(PaymentFactory().reference, "--dismiss", "--note", "?", by=person)


def test_resolve_review_without_the_permission_is_refused(payment):
    with pytest.raises(CommandError, match="You may not decide"):
        run(payment.reference, "--dismiss", "--note", "?", by=AgentFactory())

    assert PaymentLog.objects.get(pk=payment.pk).review_reason == ReviewReason.PARTIAL_DEBIT
