"""Section 3 of the contract: credits of a debit that was not served are given back."""

from uuid import uuid4

import pytest

from billing.lifecycles import TransactionType
from billing.models import Transaction
from payments.lifecycles import PaymentState
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.integration.api.clients import DEBITS, field_codes, problem, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

# A key that was refused is known all the same, and may be used again.
NO_EFFECT_ON = {"without": ["idempotency_keys"]}


@pytest.fixture
def wallet(api):
    """Return the wallet of a user who has ten credits."""
    return post(api.user).wallet


@pytest.fixture
def debited(api, service, wallet):
    """Return the reference of a debit of one credit."""
    return read(service.debit(api.user, "1.00", reference="sms-1", service="otp"))["reference"]


def test_a_reversal_is_answered_with_its_ledger_entry(api, service, debited):
    answer = service.reverse(debited, amount="0.2500", reason="not delivered")

    body = read(answer)
    entry = Transaction.objects.get(type="reversal")
    assert (answer.status_code, body) == (
        201,
        {
            "id": str(entry.pk),
            "type": "reversal",
            "amount": "0.25",
            "balance_after": "9.25",
            "reference": entry.reference,
            "description": "not delivered",
            "service": "otp",
            "payment_reference": None,
            "reverses": "sms-1",
            "status": "completed",
            "created_at": body["created_at"],
            "user_id": api.user.pk,
        },
    )
    assert entry.reference.startswith("rvs-")
    assert (entry.created_by, entry.request_id) == (service.user, answer["X-Request-ID"])


def test_reversals_add_up_to_the_debit_and_no_further(api, service, debited):
    parts = [service.reverse(debited, amount=amount) for amount in ("0.3333", "0.3333", "0.3333")]

    too_much = service.reverse(debited, amount="0.0002")
    rest = service.reverse(debited)
    more = [service.reverse(debited, **body) for body in ({}, {"amount": "0.0001"})]

    assert [answer.status_code for answer in (*parts, rest)] == [201] * 4
    assert (read(rest)["amount"], api.balance()) == ("0.0001", "10.00")
    assert {problem(answer) for answer in (too_much, *more)} == {(422, "reversal_exceeds_debit")}
    assert read(too_much)["detail"] == "Of this debit's 1.00, 0.0001 can still be given back."


def test_a_reversal_of_one_ten_thousandth_too_much_changes_nothing(service, debited):
    before = take_snapshot(**NO_EFFECT_ON)

    answer = service.reverse(debited, amount="1.0001")

    assert problem(answer) == (422, "reversal_exceeds_debit")
    assert take_snapshot(**NO_EFFECT_ON) == before


def test_only_a_debit_can_be_reversed(api, service, debited, wallet):
    credit = PaymentFactory(user=api.user, at=PaymentState.COMPLETED).reference
    reversal = read(service.reverse(debited, amount="0.1000"))["reference"]
    adjustment = Transaction.objects.get(type=TransactionType.ADJUSTMENT).reference
    before = take_snapshot(**NO_EFFECT_ON)

    answers = [service.reverse(reference) for reference in (credit, reversal, adjustment, "sms-2", "SMS-1")]

    assert {problem(answer) for answer in answers} == {(404, "not_found")}
    assert take_snapshot(**NO_EFFECT_ON) == before


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("reason", "required")]),
        ({"reason": ""}, [("reason", "blank")]),
        ({"reason": "x" * 301}, [("reason", "max_length")]),
        ({"reason": "x", "amount": "0"}, [("amount", "min_value")]),
        ({"reason": "x", "amount": None}, [("amount", "null")]),
    ],
)
def test_a_reversal_that_is_not_valid_is_refused(service, debited, body, errors):
    assert field_codes(service.post(f"{DEBITS}/{debited}/reverse", body, key=uuid4())) == errors
