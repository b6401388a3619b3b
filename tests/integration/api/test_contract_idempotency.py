"""Idempotency as the contract has it, for everything that moves money: purchases, refunds, debits and reversals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from billing.models import Hold, Transaction
from namaskah.idempotency.models import IdempotencyKey
from payments.lifecycles import PaymentState
from payments.models import PaymentLog, Refund
from tests.factories.billing import post
from tests.factories.commands import run
from tests.factories.payments import PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.integration.actors import PATIENCE_SECONDS, Pause, start
from tests.integration.api.clients import (
    DEBITS,
    IDEMPOTENCY,
    INITIALIZE,
    PAYMENTS,
    VERIFY,
    ApiClient,
    allow_refunds,
    list_routes,
    problem,
    read,
)
from tests.unit.namaskah.idempotency.steps import LEASE_SECONDS, stay_silent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

KEY = UUID("0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab")
KEYED = [INITIALIZE, DEBITS, f"{DEBITS}/<str:reference>/reverse", f"{PAYMENTS}/<str:reference>/refunds"]


@dataclass(frozen=True)
class Keyed:
    """A request that moves money, the same one written otherwise, and another one."""

    client: ApiClient
    path: str
    body: dict[str, Any]
    same: Sequence[dict[str, Any]]
    other: dict[str, Any]
    differing: list[str]

    def send(self, body=None, *, key=KEY, **headers):
        return self.client.post(self.path, self.body if body is None else body, key=key, **headers)


@pytest.fixture(params=KEYED)
def keyed(request, api, service, sandbox):
    """Return each of the requests in turn."""
    post(api.user)
    service.debit(api.user, "5.00", reference="sms-1")
    allow_refunds(api)
    paid = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    debit = {"user_id": api.user.pk, "amount": "1.00", "reference": "sms-2", "service": "sms"}
    return {
        INITIALIZE: Keyed(
            api,
            INITIALIZE,
            {"amount_usd": "25.00", "currency": "NGN"},
            [{"currency": "NGN", "amount_usd": 25}, {"currency": "NGN", "amount_usd": 25.0}],
            {"amount_usd": "25.01", "channels": ["card"]},
            ["amount_usd", "channels", "currency"],
        ),
        DEBITS: Keyed(
            service,
            DEBITS,
            debit,
            [{**debit, "amount": 1}, {"amount": "1.0000", **debit}],
            {**debit, "amount": "1.0001", "description": "One SMS"},
            ["amount", "description"],
        ),
        KEYED[2]: Keyed(
            service,
            f"{DEBITS}/sms-1/reverse",
            {"amount": "1.00", "reason": "not delivered"},
            [{"reason": "not delivered", "amount": 1.0}],
            {"reason": "not delivered"},
            ["amount"],
        ),
        KEYED[3]: Keyed(
            api,
            f"{PAYMENTS}/{paid.reference}/refunds",
            {"amount_usd": "10.00", "reason": "bought twice"},
            [{"reason": "bought twice", "amount_usd": 10}, {"amount_usd": 10.0, "reason": " bought twice "}],
            {"reason": "bought too many"},
            ["amount_usd", "reason"],
        ),
    }[request.param]


def _counts():
    return [model.objects.count() for model in (PaymentLog, Refund, Hold, Transaction)]


def test_every_address_that_moves_money_is_asked():
    posts = {route.path for route in list_routes() if route.method == "POST"}

    assert posts - {VERIFY} == set(KEYED)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        *((header, "idempotency_key_missing") for header in (None, "", " ")),
        *((header, "idempotency_key_invalid") for header in ("7", "'" + str(KEY) + "'", f"{KEY}, {KEY}", "x" * 8192)),
        *((header, "idempotency_key_invalid") for header in (f'"{KEY}', f"{KEY}\x00", f"urn:uuid:{KEY}", "é", KEY.hex)),
    ],
)
def test_without_a_key_that_is_a_uuid_nothing_is_done(keyed, header, code):
    before = take_snapshot()

    answers = [keyed.send(body, key=header) for body in (None, b"{", {})]

    assert {problem(answer) for answer in answers} == {(400, code)}
    assert not any("Idempotency-Expires" in answer for answer in answers)
    assert take_snapshot() == before


def test_the_key_is_validated_before_the_permission(api):
    assert problem(api.post(DEBITS, b"{", key="7")) == (400, "idempotency_key_invalid")
    assert problem(api.post(DEBITS, b"{", key=KEY)) == (403, "permission_denied")


def test_the_same_request_again_is_answered_byte_for_byte(keyed):
    first = keyed.send()
    made = _counts()

    again = [keyed.send(body) for body in (None, *keyed.same)]

    assert (first.status_code, first.get("Idempotent-Replayed")) == (201, None)
    assert {(answer.status_code, answer.content) for answer in again} == {(201, first.content)}
    assert {answer["Content-Type"] for answer in again} == {first["Content-Type"]}
    assert {answer["Idempotent-Replayed"] for answer in again} == {"true"}
    assert {answer["Idempotency-Expires"] for answer in again} == {first["Idempotency-Expires"]}
    assert len({answer["X-Request-ID"] for answer in (first, *again)}) == len(again) + 1
    assert _counts() == made


@pytest.mark.parametrize("form", ["{}", '"{}"', " {} ", ' "{}" '])
def test_quoted_and_bare_are_the_same_key_in_either_case(keyed, form):
    first = keyed.send()

    again = [keyed.send(key=form.format(text)) for text in (str(KEY), str(KEY).upper())]

    assert {answer.content for answer in again} == {first.content}


def test_another_request_under_the_key_names_the_fields_that_differ(keyed):
    keyed.send()
    before = take_snapshot()

    answer = keyed.send(keyed.other)

    assert problem(answer) == (422, "idempotency_key_reused")
    assert [error["field"] for error in read(answer)["errors"]] == keyed.differing
    assert take_snapshot() == before


def test_a_key_that_was_used_elsewhere_names_where(service, api):
    post(api.user)
    service.debit(api.user, "1.00", reference="sms-1", key=KEY)
    service.debit(api.user, "1.00", reference="sms-2")

    answers = [
        service.reverse("sms-1", key=KEY),
        service.reverse("sms-2", key=KEY),
        service.initialize(key=KEY),
    ]

    assert {problem(answer) for answer in answers} == {(422, "idempotency_key_reused")}
    assert {read(answer)["detail"] for answer in answers} == {f"This key was used for POST {DEBITS}; use a new one."}


def test_one_reversal_is_not_another_debits_reversal(service, api):
    post(api.user)
    for reference in ("sms-1", "sms-2"):
        service.debit(api.user, "1.00", reference=reference)

    answers = [service.reverse(reference, key=KEY) for reference in ("sms-1", "sms-2")]

    assert (answers[0].status_code, problem(answers[1])) == (201, (422, "idempotency_key_reused"))


@pytest.mark.django_db(transaction=True)
def test_while_the_first_request_runs_the_next_is_told_to_come_back(keyed):
    pause = Pause("UPDATE idempotency_keys SET recovery_point = 'finished'")
    first = start(pause.of(keyed.send))
    pause.wait_until_reached()

    meanwhile = keyed.send()
    shown = read(keyed.client.get(f"{IDEMPOTENCY}/{KEY}"))
    pause.go_on()

    assert (problem(meanwhile), meanwhile["Retry-After"]) == ((409, "request_in_progress"), "1")
    assert (shown["state"], shown["response_status"]) == ("in_progress", None)
    assert first.result(PATIENCE_SECONDS)["Idempotency-Expires"] == meanwhile["Idempotency-Expires"]
    assert keyed.send()["Idempotent-Replayed"] == "true"


def test_an_answer_that_was_lost_after_the_commit_is_rebuilt(keyed):
    first = keyed.send()
    made = _counts()
    _forget_the_answer()

    again = keyed.send()

    assert (again.status_code, read(again)) == (201, read(first))
    assert "Idempotent-Replayed" not in again
    assert _counts() == made


def _forget_the_answer():
    """Have the process have died between its last write and the storing of its answer."""
    IdempotencyKey.objects.filter(key=KEY).update(
        recovery_point="gateway_called", response_status=None, response_content_type="", response_body=None
    )


def test_a_key_whose_owner_died_is_open_again_after_a_minute(keyed):
    keyed.send()
    _forget_the_answer()
    IdempotencyKey.objects.filter(key=KEY).update(owner_token=uuid4(), locked_at=timezone.now())
    at_once = keyed.send()
    stay_silent(KEY, seconds=LEASE_SECONDS + 1)

    shown = read(keyed.client.get(f"{IDEMPOTENCY}/{KEY}"))

    assert problem(at_once) == (409, "request_in_progress")
    assert (shown["state"], keyed.send().status_code) == ("open", 201)


@pytest.mark.parametrize("is_purged", [False, True])
def test_after_72_hours_the_key_names_what_it_made(keyed, is_purged):
    first = keyed.send()
    resource = read(first)["reference"]
    before = _counts()

    with time_machine.travel(timezone.now() + timedelta(hours=72, seconds=1)):
        if is_purged:
            run("purge_idempotency_keys")
        answer = keyed.send()
        shown = read(keyed.client.get(f"{IDEMPOTENCY}/{KEY}"))

    assert problem(answer) == (409, "idempotency_key_expired")
    assert resource in read(answer)["detail"]
    assert (shown["state"], shown["resource"]) == ("expired", resource)
    assert (IdempotencyKey.objects.get(key=KEY).response_body is None, _counts()) == (is_purged, before)


def test_every_refusal_under_a_known_key_tells_its_expiry(keyed):
    first = keyed.send()

    answers = [keyed.send(body) for body in (keyed.other, b"{", b"[]", {}, {"unknown": 1}, b" " * 70_000)]

    assert [answer.status_code for answer in answers] == [422, 400, 400, 400, 400, 413]
    assert {answer["Idempotency-Expires"] for answer in answers} == {first["Idempotency-Expires"]}


def test_the_key_is_kept_for_72_hours(keyed):
    answer = keyed.send()

    expires_at = datetime.fromisoformat(answer["Idempotency-Expires"])
    assert timedelta(hours=71, minutes=59) < expires_at - timezone.now() <= timedelta(hours=72)


def test_a_key_shows_how_far_its_request_came(keyed):
    answer = keyed.send()
    for _ in range(2):
        keyed.send()

    shown = keyed.client.get(f"{IDEMPOTENCY}/{KEY}")

    row = IdempotencyKey.objects.get(key=KEY)
    assert (shown.status_code, read(shown)) == (
        200,
        {
            "key": str(KEY),
            "method": "POST",
            "route": keyed.path,
            "state": "finished",
            "recovery_point": "finished",
            "resource": read(answer)["reference"],
            "response_status": 201,
            "replays": 2,
            "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
            "expires_at": answer["Idempotency-Expires"],
        },
    )


@pytest.mark.parametrize("written", [str(KEY).upper(), f"%22{KEY}%22"])
def test_a_key_is_shown_in_whatever_form_it_is_asked_for(api, sandbox, written):
    api.initialize(key=KEY)

    assert read(api.get(f"{IDEMPOTENCY}/{written}"))["key"] == str(KEY)


def test_a_key_that_was_never_used_is_404(api):
    assert problem(api.get(f"{IDEMPOTENCY}/{KEY}")) == (404, "not_found")


def test_verify_takes_a_key_and_does_nothing_with_it(api, sandbox):
    references = [read(api.initialize())["reference"] for _ in range(2)]
    keys = IdempotencyKey.objects.count()

    answers = [api.post(VERIFY, {"reference": reference}, key=KEY) for reference in references]

    assert [(answer.status_code, read(answer)["reference"]) for answer in answers] == [
        (200, reference) for reference in references
    ]
    assert IdempotencyKey.objects.count() == keys


@pytest.mark.parametrize("header", ["", " ", "7", '""'])
def test_verify_refuses_a_key_that_is_none(api, sandbox, header):
    reference = read(api.initialize())["reference"]

    assert problem(api.post(VERIFY, {"reference": reference}, key=header)) == (400, "idempotency_key_invalid")
