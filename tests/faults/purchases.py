"""Purchases and what became of them, by our own books and by the gateway's."""

import json
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import QuerySet

from billing.models import Transaction
from devtools.sandbox.sandbox import Sandbox
from payments.models import GatewayCall, PaymentLog, WebhookEvent
from tests.events import charge_success
from tests.faults.trials import Ending, Trial, describe_ending, find_balance, make_client, make_trial
from tests.processes.client import deliver
from tests.processes.persistence import Request, send

INITIALIZE = "/api/v1/payments/initialize"
VERIFY = "/api/v1/payments/verify"


class Purchase(NamedTuple):
    """What became of a purchase: payments that stand, what the gateway knows, and the user's wallet."""

    ending: Ending
    payments: tuple[str, ...]
    pages: int
    paid_pages: int
    events: tuple[str, ...]
    credits: tuple[Decimal, ...]
    balance: Decimal | None


def make_purchase(url: str, fault: Any) -> Trial:
    """Return the request of a new user to buy credits for 25 dollars."""
    user, api_key = make_client()
    body = {"amount_usd": "25.00", "currency": "NGN"}
    return make_trial(fault, url + INITIALIZE, body, user=user, api_key=api_key, customer=user)


def count_payments(trial: Trial) -> int:
    return PaymentLog.objects.filter(user=trial.user, idempotency_key=trial.key).count()


def count_asked(trial: Trial) -> int:
    """Return how often the gateway was asked for a checkout page."""
    return GatewayCall.objects.filter(payment__user=trial.user, operation="initialize").count()


def pay_first_page(sandbox: Sandbox, trial: Trial) -> None:
    """Pay on the page of the first attempt, whose address no client has."""
    payment = PaymentLog.objects.get(user=trial.user, idempotency_key=trial.key, attempt=1)
    sandbox.pay(payment.reference, deliveries=0)


def pay(sandbox: Sandbox, bought: dict[str, Any]) -> bytes:
    """Pay on the page that a client was given; return the event that tells it."""
    paid = sandbox.pay(bought["reference"], deliveries=0)["transaction"]
    return charge_success(reference=bought["reference"], amount_minor=bought["amount_minor"], transaction_id=paid["id"])


def pay_and_tell(url: str, sandbox: Sandbox, trial: Trial) -> None:
    """Pay, have the gateway tell, and have the client ask."""
    raw = pay(sandbox, trial.final.body)
    assert deliver(url, raw).status == 200
    assert send(ask(url, trial)).body["new_balance"] == "25.00"


def ask(url: str, trial: Trial) -> Request:
    """Return a request to verify the payment that a client was given."""
    headers = {**trial.request.headers, "Idempotency-Key": str(uuid.uuid4())}
    return Request(url + VERIFY, json.dumps({"reference": trial.final.body["reference"]}).encode(), headers)


def describe_purchase(trial: Trial, pages: Mapping[str, Sequence[Mapping[str, Any]]]) -> Purchase:
    """Say what is true now; `pages` are the gateway's by the payer's address."""
    standing = PaymentLog.objects.filter(user=trial.user, superseded_by=None)
    own_pages = pages.get(trial.user.email, [])
    return Purchase(
        ending=describe_ending(trial),
        payments=tuple(standing.values_list("state", flat=True)),
        pages=len(own_pages),
        paid_pages=len([page for page in own_pages if page["paid_at"]]),
        events=tuple(list_events(trial.user).values_list("status", flat=True)),
        credits=tuple(Transaction.objects.filter(user=trial.user).values_list("amount", flat=True)),
        balance=find_balance(trial.user),
    )


def bought_once(
    *,
    left: tuple[str, int],
    pages: int,
    surprises: tuple[tuple[int, str], ...] = (),
    events: tuple[str, ...] = ("processed",),
) -> Purchase:
    """Return what must become of a purchase, however many checkout pages the gateway made for it."""
    credit = Decimal("25.0000")
    return Purchase(Ending(left, 201, surprises), ("completed",), pages, 1, events, (credit,), credit)


def list_events(user: User) -> QuerySet[WebhookEvent]:
    """Return what the gateway told about the user's payments."""
    return WebhookEvent.objects.filter(reference__in=user.payments.values("reference"))


def list_pages(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Return the gateway's own record of all checkout pages, by the payer's address."""
    pages: dict[str, list[dict[str, Any]]] = {}
    for page in sandbox.transactions():
        pages.setdefault(page["email"], []).append(page)
    return pages
