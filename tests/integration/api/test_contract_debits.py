"""Section 3 of the contract: the platform's software takes credits out of wallets."""

from datetime import datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from billing.models import Transaction
from tests.factories.billing import post
from tests.factories.refunds import place
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.integration.api.clients import BALANCE, DEBITS, TRANSACTIONS, ApiClient, field_codes, problem, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

# A key that was refused is known all the same, and may be used again.
NO_EFFECT_ON = {"without": ["idempotency_keys"]}


@pytest.fixture
def wallet(api):
    """Return the wallet of a user who has ten credits."""
    return post(api.user).wallet


def _balance(api):
    body = read(api.get(BALANCE))
    return body["balance"], body["held"], body["available"]


def test_held_credits_are_in_the_balance_and_cannot_be_spent(api, service, wallet):
    place(api.user, Decimal("2.5000"))

    refused, taken = service.debit(api.user, "7.5001"), service.debit(api.user, "7.5000")

    assert problem(refused) == (402, "insufficient_credits")
    assert read(refused)["detail"] == "The wallet has 7.50 available, 0.0001 too little."
    assert (taken.status_code, _balance(api)) == (201, ("2.50", "2.50", "0.00"))


def test_a_debit_is_answered_with_its_ledger_entry(api, service, wallet):
    before = timezone.now()

    answer = service.debit(api.user, "1.5", reference="sms-1", service="otp", description="Codes for July")

    body = read(answer)
    entry = Transaction.objects.get(type="debit")
    assert (answer.status_code, body) == (
        201,
        {
            "id": str(entry.pk),
            "type": "debit",
            "amount": "-1.50",
            "balance_after": "8.50",
            "reference": "sms-1",
            "description": "Codes for July",
            "service": "otp",
            "payment_reference": None,
            "reverses": None,
            "status": "completed",
            "created_at": body["created_at"],
            "user_id": api.user.pk,
        },
    )
    assert before <= datetime.fromisoformat(body["created_at"]) <= timezone.now()
    assert (entry.created_by, entry.request_id, entry.counter_account) == (
        service.user,
        answer["X-Request-ID"],
        "revenue:sms",
    )
    assert _balance(api) == ("8.50", "0.00", "8.50")


@pytest.mark.parametrize(
    ("amount", "balance"), [("0.0001", "9.9999"), ("9.9999", "0.0001"), ("10.0000", "0.00"), (0.1, "9.90")]
)
def test_a_debit_may_take_everything_down_to_nothing(api, service, wallet, amount, balance):
    assert (service.debit(api.user, amount).status_code, api.balance()) == (201, balance)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "min_value"),
        ("0.00001", "max_places"),
        ("1000000.0001", "max_value"),
        ("-1", "invalid"),
        (1e20, "invalid"),
    ],
)
def test_a_debit_out_of_bounds_is_refused(api, service, wallet, amount, code):
    assert field_codes(service.debit(api.user, amount)) == [("amount", code)]


def test_a_debit_of_a_million_is_within_the_bounds(api, service):
    post(api.user, amount=Decimal(1_000_000))

    assert service.debit(api.user, "1000000.0000").status_code == 201


@pytest.mark.parametrize("has_wallet", [True, False])
def test_a_debit_without_cover_says_what_is_missing_and_changes_nothing(api, service, has_wallet):
    if has_wallet:
        post(api.user, amount=Decimal("0.2500"))
    before = take_snapshot(**NO_EFFECT_ON)

    answer = service.debit(api.user, "1.0001")

    available, missing = ("0.25", "0.7501") if has_wallet else ("0.00", "1.0001")
    assert problem(answer) == (402, "insufficient_credits")
    assert read(answer)["detail"] == f"The wallet has {available} available, {missing} too little."
    assert take_snapshot(**NO_EFFECT_ON) == before


def test_a_debit_of_nobody_is_404(service):
    answer = service.post(DEBITS, {"user_id": 2**31 - 1, "amount": 1, "reference": "a", "service": "sms"}, key=uuid4())

    assert problem(answer) == (404, "user_not_found")


@pytest.mark.parametrize("prefix", ["nmk-", "rfd-", "rvs-", "adj-"])
def test_a_reference_that_begins_like_ours_is_reserved(api, service, wallet, prefix):
    before = take_snapshot(**NO_EFFECT_ON)

    answers = [service.debit(api.user, reference=reference) for reference in (prefix, f"{prefix}1")]

    assert {problem(answer) for answer in answers} == {(422, "reference_reserved")}
    assert take_snapshot(**NO_EFFECT_ON) == before


@pytest.mark.parametrize("reference", ["a", "A" * 64, "sms_1.2-3", "nmk", "NMK-1", "xnmk-1", "..", "-", "_"])
def test_a_reference_of_the_grammar_is_taken(api, service, wallet, reference):
    answer = service.debit(api.user, reference=reference)

    assert (answer.status_code, read(answer)["reference"]) == (201, reference)
    assert [row["reference"] for row in read(api.get(TRANSACTIONS, reference=reference))["results"]] == [reference]


@pytest.mark.parametrize("reference", ["a b", "sms/1", "sms:1", "é", "\N{FULLWIDTH LATIN SMALL LETTER A}", "sms=1"])
def test_a_reference_outside_the_grammar_is_refused(api, service, wallet, reference):
    assert field_codes(service.debit(api.user, reference=reference)) == [("reference", "invalid")]


def test_a_reference_is_used_once_whoever_uses_it_for_whatever(api, other_api, service, other_service, wallet):
    post(other_api.user)
    service.debit(api.user, "1.00", reference="sms-1")
    service.reverse("sms-1")
    before = take_snapshot(**NO_EFFECT_ON)

    answers = [
        service.debit(api.user, "1.00", reference="sms-1"),
        service.debit(api.user, "2.00", reference="sms-1"),
        service.debit(other_api.user, "1.00", reference="sms-1"),
        other_service.debit(api.user, "1.00", reference="sms-1"),
        service.debit(api.user, "999.00", reference="sms-1"),
    ]

    assert {problem(answer) for answer in answers} == {(409, "reference_used")}
    assert take_snapshot(**NO_EFFECT_ON) == before


def test_without_the_permission_nothing_is_taken_or_given_back(api, service, wallet):
    service.debit(api.user, "1.00", reference="sms-1")
    service.user.user_permissions.remove(Permission.objects.get(codename="debit_wallet"))
    clients = [api, service, ApiClient(StaffFactory(is_superuser=False))]
    before = take_snapshot()

    answers = [answer for client in clients for answer in (client.debit(api.user), client.reverse("sms-1"))]

    assert {problem(answer) for answer in answers} == {(403, "permission_denied")}
    assert take_snapshot() == before


def test_refusals_of_a_debit_come_in_one_order(api, service, wallet):
    """What is wrong is mended step by step, each time with the same key."""
    key, body = uuid4(), {"user_id": 9_999_999, "amount": "11", "reference": "nmk-1", "service": "sms"}
    service.debit(api.user, "1.00", reference="used")
    steps = [
        (ApiClient(api.user), {}, "7", (400, "idempotency_key_invalid")),
        (ApiClient(api.user), {}, key, (403, "permission_denied")),
        (service, {**body, "amount": "0"}, key, (400, "validation_error")),
        (service, body, key, (422, "reference_reserved")),
        (service, {**body, "amount": "12"}, key, (422, "idempotency_key_reused")),
        (service, {**body, "reference": "used"}, uuid4(), (404, "user_not_found")),
        (service, {**body, "reference": "used", "user_id": api.user.pk}, uuid4(), (409, "reference_used")),
        (service, {**body, "reference": "new", "user_id": api.user.pk}, uuid4(), (402, "insufficient_credits")),
    ]

    answers = [problem(client.post(DEBITS, sent, key=used)) for client, sent, used, _ in steps]

    assert answers == [expected for *_, expected in steps]
