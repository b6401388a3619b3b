"""Nobody sees or touches what belongs to somebody else: two users at every endpoint and every id."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from billing.models import Transaction
from namaskah.idempotency.models import IdempotencyKey
from payments.lifecycles import PaymentState
from payments.models import PaymentLog
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.integration.api.clients import (
    BALANCE,
    DEBITS,
    IDEMPOTENCY,
    LIMITS,
    PAYMENTS,
    SUMMARY,
    TRANSACTIONS,
    VERIFY,
    ApiClient,
    allow_refunds,
    list_routes,
    problem,
    read,
)

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Victim:
    """Somebody with a payment, credits, a key and, at the platform's account, a debit."""

    user: User
    key: UUID
    payment: PaymentLog
    debit: Transaction


@dataclass(frozen=True)
class Attack:
    """A request that names what is the victim's."""

    method: str
    route: str
    path: str
    body: Any = None
    code: str = "not_found"

    def carry_out(self, client, victim):
        names = {"payment": victim.payment.reference, "debit": victim.debit.reference, "key": victim.key}
        if self.method == "GET":
            return client.get(self.path.format(**names))
        body = {name: text.format(**names) for name, text in self.body.items()}
        return client.post(self.path.format(**names), body, key=uuid4())


ATTACKS = [
    Attack("GET", f"{PAYMENTS}/<str:reference>", f"{PAYMENTS}/{{payment}}", code="payment_not_found"),
    Attack("GET", f"{IDEMPOTENCY}/<str:key>", f"{IDEMPOTENCY}/{{key}}"),
    Attack("POST", VERIFY, VERIFY, {"reference": "{payment}"}, code="payment_not_found"),
    Attack(
        "POST",
        f"{PAYMENTS}/<str:reference>/refunds",
        f"{PAYMENTS}/{{payment}}/refunds",
        {"amount_usd": "5.00", "reason": "mine now"},
        code="payment_not_found",
    ),
    Attack("POST", f"{DEBITS}/<str:reference>/reverse", f"{DEBITS}/{{debit}}/reverse", {"reason": "mine now"}),
]
_ids = [f"{attack.method} {attack.route}" for attack in ATTACKS]


@pytest.fixture
def victim(api, service, other_service, sandbox):
    """Return what is the victim's; the second user is a stranger to all of it, and may do as much with its own."""
    allow_refunds(api, other_service)
    key = uuid4()
    api.initialize(key=key)
    payment = PaymentFactory(user=api.user, at=PaymentState.COMPLETED)
    service.debit(api.user, "1.00", reference="sms-1")
    return Victim(api.user, key, payment, Transaction.objects.get(reference="sms-1"))


def test_every_address_with_an_id_stands_in_the_table():
    with_id = {(route.method, route.path) for route in list_routes() if "<" in route.path}

    assert with_id == {(attack.method, attack.route) for attack in ATTACKS if "<" in attack.route}


@pytest.mark.parametrize("attack", ATTACKS, ids=_ids)
def test_the_owner_is_answered(api, service, victim, attack):
    owner = service if attack.route.startswith(DEBITS) else api

    assert attack.carry_out(owner, victim).status_code in {200, 201}


@pytest.mark.parametrize("attack", ATTACKS, ids=_ids)
def test_what_is_another_users_is_404_and_stays_as_it_is(other_service, victim, attack):
    before = _all_but_keys_of(other_service)

    answer = attack.carry_out(other_service, victim)

    assert problem(answer) == (404, attack.code)
    assert _all_but_keys_of(other_service) == before


def _all_but_keys_of(client):
    """Return what is stored, but for the keys that the client uses up itself."""
    kept = IdempotencyKey.objects.exclude(user=client.user).order_by("id").values()
    return take_snapshot(without=["idempotency_keys"]), list(kept)


@pytest.mark.parametrize("attack", ATTACKS, ids=_ids)
def test_what_is_another_users_is_answered_as_what_is_not_there(other_service, victim, attack):
    nothing = Victim(victim.user, uuid4(), PaymentFactory.build(user=victim.user), Transaction(reference="sms-2"))

    there, not_there = (attack.carry_out(other_service, named) for named in (victim, nothing))

    assert _without_request_id(there) == _without_request_id(not_there)


def _without_request_id(answer):
    return answer.status_code, {**read(answer), "request_id": ""}


def test_the_debited_user_cannot_give_its_own_debit_back(api, victim):
    before = take_snapshot()

    there, not_there = (api.reverse(reference) for reference in (victim.debit.reference, "sms-2"))

    assert (problem(there), problem(not_there)) == ((403, "permission_denied"), (403, "permission_denied"))
    assert take_snapshot() == before


def test_a_second_service_account_cannot_reverse_the_first_ones_debit(service, other_service, victim):
    refused = other_service.reverse(victim.debit.reference)
    answer = service.reverse(victim.debit.reference)

    assert problem(refused) == (404, "not_found")
    assert (answer.status_code, read(answer)["reverses"]) == (201, victim.debit.reference)


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS])
def test_a_list_shows_the_callers_own_alone(other_api, victim, path):
    own = PaymentFactory(user=other_api.user, at=PaymentState.COMPLETED)

    rows = read(other_api.get(path))["results"]

    assert [row["reference"] for row in rows] == [own.reference]


def test_the_list_of_a_service_account_does_not_show_what_it_debited(service, victim):
    assert read(service.get(TRANSACTIONS))["results"] == []


def test_the_balance_is_the_callers_own(other_api, victim):
    post(other_api.user, amount=Decimal("3.5000"))

    assert read(other_api.get(BALANCE))["balance"] == "3.50"


def test_the_summary_counts_the_callers_own_alone(other_api, victim):
    post(other_api.user, amount=Decimal("3.5000"))

    body = read(other_api.get(SUMMARY))

    assert (body["adjusted"], body["credited"], body["spent"]) == ("3.50", "0.00", "0.00")
    assert body["count"] == {"credit": 0, "debit": 0, "refund": 0, "reversal": 0, "adjustment": 1}


def test_the_limits_are_the_callers_own(api, other_api):
    api.get(BALANCE)

    used = {limit["name"]: limit["used"] for limit in read(other_api.get(LIMITS))["limits"]}

    assert used == {"initialize": 0, "verify": 0, "reads": 1, "writes": 0}


def test_another_users_key_is_another_key(api, other_api, victim):
    mine = other_api.initialize(key=victim.key)

    shown = read(other_api.get(f"{IDEMPOTENCY}/{victim.key}"))

    assert (mine.status_code, shown["resource"]) == (201, read(mine)["reference"])
    assert read(api.get(f"{IDEMPOTENCY}/{victim.key}"))["resource"] != shown["resource"]


def test_two_keys_of_one_user_open_the_same_rows(api, victim):
    second = ApiClient(api.user)

    assert second.get(f"{PAYMENTS}/{victim.payment.reference}").status_code == 200
