"""Section 2 of the contract: a client has a payment's money sent back, and watches it go."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import Hold, Transaction
from namaskah.idempotency.models import IdempotencyKey
from payments.lifecycles import PaymentState
from payments.models import PaymentLog, Refund
from payments.services import refund_follow_up, refunds
from tests.factories import disputes
from tests.factories.billing import post
from tests.factories.payments import CAUSE, PaymentFactory, bring_to
from tests.factories.refunds import place, request
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.integration.api.clients import BALANCE, PAYMENTS, ApiClient, allow_refunds, field_codes, problem, read
from tests.unit.payments.services.refunding import move, refunds_there, submit, sync

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

# A key that was refused is known all the same, and may be used again.
NO_EFFECT_ON = {"without": ["idempotency_keys"]}


@pytest.fixture
def payment(api):
    """Return a paid purchase of 25 credits, whose owner may ask for refunds."""
    allow_refunds(api)
    return PaymentFactory(user=api.user, at=PaymentState.COMPLETED)


def _balance(api):
    body = read(api.get(BALANCE))
    return body["balance"], body["held"], body["available"]


def _buy(api, sandbox, **paid):
    """Return a purchase of 25 credits that the gateway knows; `paid` says how it was paid."""
    reference = read(api.initialize())["reference"]
    sandbox.pay(reference, deliveries=0, **paid)
    api.verify(reference)
    return PaymentLog.objects.get(reference=reference)


def _shown(api, payment):
    """Return the refunds that the payment shows: amount and state."""
    return [(row["amount_usd"], row["state"]) for row in read(api.get(f"{PAYMENTS}/{payment.reference}"))["refunds"]]


def test_a_refund_is_answered_with_its_fields_and_takes_the_credits(api, payment):
    before = timezone.now()

    answer = api.refund(payment.reference, amount_usd="10.00", reason="Bought too many")

    body = read(answer)
    refund = Refund.objects.select_related("hold", "ledger_entry").get()
    assert (answer.status_code, body) == (
        201,
        {
            "refund_id": str(refund.pk),
            "reference": refund.reference,
            "payment_reference": payment.reference,
            "state": "approved",
            "amount_usd": "10.00",
            "amount_minor": 1_650_000,
            "currency": "NGN",
            "reason": "Bought too many",
            "created_at": refund.created_at.isoformat().replace("+00:00", "Z"),
        },
    )
    assert before <= refund.created_at <= timezone.now()
    assert (refund.requested_by, refund.needs_approval, refund.next_check_at) == (api.user, False, refund.created_at)
    assert (refund.hold.state, refund.hold.amount) == ("taken", 10)
    assert (refund.ledger_entry.type, refund.ledger_entry.amount) == ("refund", -10)
    assert refund.ledger_entry.request_id == answer["X-Request-ID"]
    assert [(step["source"], step["by"], step["request_id"]) for step in refund.state_transitions] == [
        ("api", api.user.username, answer["X-Request-ID"])
    ]
    assert _balance(api) == ("15.00", "0.00", "15.00")


def test_without_an_amount_all_that_is_left_goes_back(api, payment):
    whole = read(api.refund(PaymentFactory(user=api.user, at=PaymentState.COMPLETED).reference))
    parts = [read(api.refund(payment.reference, **body)) for body in ({"amount_usd": "8.33"}, {})]

    assert (whole["amount_usd"], whole["amount_minor"]) == ("25.00", 4_125_000)
    assert [(part["amount_usd"], part["amount_minor"]) for part in parts] == [("8.33", 1_374_450), ("16.67", 2_750_550)]
    assert _balance(api) == ("0.00", "0.00", "0.00")


def test_another_key_makes_another_refund_within_what_is_left(api, payment):
    answers = [api.refund(payment.reference, amount_usd="12.50") for _ in range(2)]
    more = [api.refund(payment.reference, **body) for body in ({"amount_usd": "0.01"}, {})]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({read(answer)["reference"] for answer in answers}) == 2
    assert {problem(answer) for answer in more} == {(422, "refund_exceeds_payment")}
    assert sum(refund.amount_minor for refund in Refund.objects.all()) == payment.amount_minor


def test_one_cent_more_than_is_left_says_what_is_left_and_changes_nothing(api, payment):
    api.refund(payment.reference, amount_usd="12.50")
    before = take_snapshot(**NO_EFFECT_ON)

    answer = api.refund(payment.reference, amount_usd="12.51")

    assert problem(answer) == (422, "refund_exceeds_payment")
    assert read(answer)["detail"] == "Only 12.50 of this payment can still be refunded."
    assert take_snapshot(**NO_EFFECT_ON) == before


def test_what_a_person_refused_can_be_asked_for_again(api, payment, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    waiting = Refund.objects.get(reference=read(api.refund(payment.reference))["reference"])
    refunds.reject_refund(refund_id=waiting.pk, by=StaffFactory(), reason="No", cause=CAUSE, now=timezone.now())
    settings.REFUND_APPROVAL_USD = Decimal(100)

    answer = api.refund(payment.reference)

    assert (answer.status_code, read(answer)["amount_usd"]) == (201, "25.00")
    assert _shown(api, payment) == [("25.00", "rejected"), ("25.00", "approved")]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("reason", "required")]),
        ({"reason": ""}, [("reason", "blank")]),
        ({"reason": "x" * 301}, [("reason", "max_length")]),
        ({"reason": "x", "amount_usd": "0.00"}, [("amount_usd", "min_value")]),
        ({"reason": "x", "amount_usd": "0.001"}, [("amount_usd", "max_places")]),
        ({"reason": "x", "amount_usd": "10000.01"}, [("amount_usd", "max_value")]),
        ({"reason": "x", "amount_usd": None}, [("amount_usd", "null")]),
        ({"reason": "x", "amount": "1.00"}, [("amount", "unknown_field")]),
    ],
)
def test_a_refund_that_is_not_valid_is_refused(api, payment, body, errors):
    assert field_codes(api.post(f"{PAYMENTS}/{payment.reference}/refunds", body, key=uuid4())) == errors


class Refused:
    """A refund that is refused, by whom it is asked for, and what cures the reason, if anything does."""

    def __init__(self, client, payment, cure=None, **body):
        self.cure = cure
        self._client, self._payment, self._body, self._key = client, payment, body, uuid4()

    def send(self):
        return self._client.refund(self._payment.reference, key=self._key, **self._body)

    def find_key(self):
        return IdempotencyKey.objects.filter(user=self._client.user, key=self._key).first()


def _without_permission(api, sandbox):
    client = ApiClient()
    paid = PaymentFactory(user=client.user, at=PaymentState.COMPLETED)
    return Refused(client, paid, lambda: allow_refunds(client))


def _of_another(api, sandbox):
    return Refused(api, PaymentFactory(at=PaymentState.COMPLETED))


def _of_nothing(api, sandbox):
    return Refused(api, PaymentFactory.build(user=api.user))


def _pending(api, sandbox):
    unpaid = PaymentFactory(user=api.user)
    return Refused(api, unpaid, lambda: bring_to(unpaid, PaymentState.COMPLETED))


def _processing(api, sandbox):
    unpaid = PaymentFactory(user=api.user, at=PaymentState.PROCESSING)
    return Refused(api, unpaid, lambda: bring_to(unpaid, PaymentState.COMPLETED))


def _failed(api, sandbox):
    declined = PaymentFactory(user=api.user, at=PaymentState.FAILED)
    return Refused(api, declined, lambda: bring_to(declined, PaymentState.COMPLETED))


def _refunded(api, sandbox):
    paid = _buy(api, sandbox)
    submit(request(paid))
    move(sandbox, paid, "processed")
    sync(paid)
    return Refused(api, paid)


def _disputed(api, sandbox):
    paid = _buy(api, sandbox)
    dispute = disputes.open_dispute(sandbox, paid)
    return Refused(api, paid, lambda: disputes.resolve(sandbox, dispute, "declined"))


def _lost(api, sandbox):
    paid = _buy(api, sandbox)
    disputes.resolve(sandbox, disputes.open_dispute(sandbox, paid), "merchant-accepted")
    post(api.user, amount=Decimal(100))
    return Refused(api, paid)


def _exceeding(api, sandbox):
    paid = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    return Refused(api, paid, amount_usd="25.01")


def _spent(api, sandbox):
    paid = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    post(api.user, amount=Decimal("-0.0001"))
    return Refused(api, paid, lambda: post(api.user, amount=Decimal("0.0001")))


def _held(api, sandbox):
    paid = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    place(api.user, Decimal("0.0001"))
    return Refused(api, paid, lambda: post(api.user, amount=Decimal("0.0001")))


REFUSALS = [
    (_without_permission, 403, "permission_denied"),
    (_of_another, 404, "payment_not_found"),
    (_of_nothing, 404, "payment_not_found"),
    (_pending, 409, "payment_not_refundable"),
    (_processing, 409, "payment_not_refundable"),
    (_failed, 409, "payment_not_refundable"),
    (_refunded, 409, "payment_not_refundable"),
    (_disputed, 409, "payment_disputed"),
    (_lost, 409, "payment_disputed"),
    (_exceeding, 422, "refund_exceeds_payment"),
    (_spent, 402, "insufficient_credits"),
    (_held, 402, "insufficient_credits"),
]


@pytest.mark.parametrize(("refuse", "status", "code"), REFUSALS)
def test_a_refusal_changes_nothing_and_is_not_stored(api, sandbox, refuse, status, code):
    allow_refunds(api)
    refused = refuse(api, sandbox)
    before = take_snapshot(**NO_EFFECT_ON)

    answers = [refused.send() for _ in range(2)]

    assert [problem(answer) for answer in answers] == [(status, code)] * 2
    assert take_snapshot(**NO_EFFECT_ON) == before
    assert len({read(answer)["request_id"] for answer in answers}) == 2
    assert not any("Idempotent-Replayed" in answer for answer in answers)
    key = refused.find_key()
    assert (key is None) == (status == 403)
    assert key is None or (key.recovery_point, key.response_status, key.owner_token, key.resource) == (
        "started",
        None,
        None,
        "",
    )


@pytest.mark.parametrize(
    "refuse",
    [_without_permission, _pending, _processing, _failed, _disputed, _spent, _held],
    ids=lambda case: case.__name__,
)
def test_the_key_of_a_refusal_makes_the_refund_once_it_can(api, sandbox, refuse):
    allow_refunds(api)
    refused = refuse(api, sandbox)
    refused.send()

    refused.cure()
    done, again = refused.send(), refused.send()

    assert (done.status_code, done.get("Idempotent-Replayed")) == (201, None)
    assert (again.content, again["Idempotent-Replayed"]) == (done.content, "true")
    assert Refund.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_answer_under_a_key_stays_while_the_refund_goes_on(api, sandbox):
    allow_refunds(api)
    paid, key = _buy(api, sandbox), uuid4()

    first = api.refund(paid.reference, key=key)
    shown = [_shown(api, paid)]
    refund_follow_up.follow_up_refunds()
    shown.append(_shown(api, paid))
    move(sandbox, paid, "processed")
    sync(paid)
    again = api.refund(paid.reference, key=key)

    assert [*shown, _shown(api, paid)] == [[("25.00", state)] for state in ("approved", "submitted", "processed")]
    assert (read(first)["state"], again.content, again["Idempotent-Replayed"]) == ("approved", first.content, "true")
    assert read(api.get(f"{PAYMENTS}/{paid.reference}"))["state"] == "refunded"
    assert [refund["merchant_note"] for refund in refunds_there(sandbox, paid)] == [read(first)["reference"]]


@pytest.mark.django_db(transaction=True)
def test_a_refund_that_fails_at_the_gateway_gives_the_credits_back(api, sandbox):
    allow_refunds(api)
    paid = _buy(api, sandbox)
    api.refund(paid.reference, amount_usd="10.00")
    refund_follow_up.follow_up_refunds()
    taken = _balance(api)

    move(sandbox, paid, "failed")
    sync(paid)

    assert (taken, _balance(api)) == (("15.00", "0.00", "15.00"), ("25.00", "0.00", "25.00"))
    assert _shown(api, paid) == [("10.00", "failed")]


@pytest.mark.django_db(transaction=True)
def test_a_payment_shows_its_refunds_oldest_first_as_they_were_answered(api, sandbox, settings):
    allow_refunds(api)
    paid = _buy(api, sandbox)
    answers = [read(api.refund(paid.reference, amount_usd=amount)) for amount in ("3.00", "2.00")]
    settings.REFUND_APPROVAL_USD = Decimal(5)
    answers.append(read(api.refund(paid.reference, amount_usd="1.00")))

    as_answered = read(api.get(f"{PAYMENTS}/{paid.reference}"))["refunds"]
    refund_follow_up.follow_up_refunds()
    move(sandbox, paid, "processed")
    sync(paid)

    assert as_answered == answers
    assert _shown(api, paid) == [("3.00", "processed"), ("2.00", "submitted"), ("1.00", "awaiting_approval")]
    assert read(api.get(f"{PAYMENTS}/{paid.reference}"))["state"] == "completed"


def test_a_refund_of_money_that_was_never_credited_tells_what_it_is_worth(api, sandbox):
    allow_refunds(api)
    paid = _buy(api, sandbox, amount_minor=2_000_000)

    answers = [api.refund(paid.reference, amount_usd="2.00"), api.refund(paid.reference)]

    assert [(read(answer)["amount_usd"], read(answer)["amount_minor"]) for answer in answers] == [
        ("2.00", 330_000),
        ("10.1212", 1_670_000),
    ]
    assert (Hold.objects.count(), Transaction.objects.count()) == (0, 0)
