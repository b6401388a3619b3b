"""A web process killed between the claim of a form's token and the end of what the form asks for.

Sent again, the form acts no more and leads to where it stands whether it did. Opened anew it acts, or shows that
there is nothing left to do: never twice, and nobody waits for a lock of the dead.
"""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from billing.models import CreditAdjustment, Wallet
from namaskah.audit.models import AuditEntry, FormToken
from payments.models import Refund
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import request
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import open_form, read_messages, send
from tests.processes import product

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

POINTS = ("claimed", "written", "committed")


@dataclass(frozen=True)
class Form:
    """A form: its address, what is typed into it, and what the audit log calls it."""

    url: str
    fields: dict[str, str]
    action: str


def adjustment():
    wallet = post(UserFactory()).wallet
    return Form(
        f"/admin/billing/wallet/{wallet.pk}/adjust/",
        {"direction": "give", "amount": "5", "reason_code": "goodwill", "ticket": "T-1", "note": "Late"},
        "adjustment.request",
    )


def refund():
    payment = PaymentFactory(at="completed")
    return Form(
        f"/admin/payments/paymentlog/{payment.pk}/refund/",
        {"amount": "5.00", "reason_code": "Paid twice", "ticket": "T-1", "note": "Twice"},
        "refund.request",
    )


def approval():
    payment = PaymentFactory(at="completed", credit_amount=Decimal(250), amount_minor=41_250_000)
    waiting = request(payment, "150.00", by=StaffFactory())
    return Form(f"/admin/payments/refund/{waiting.pk}/approve/", {"comment": "Fine"}, "refund.approve")


def effects(form):
    """What there is of what forms make: rows, money, and entries of the audit log."""
    return (
        list(CreditAdjustment.objects.values_list("amount", "state")),
        list(Refund.objects.values_list("credit_amount", "state")),
        list(Wallet.objects.order_by("pk").values_list("balance", "held", "sequence")),
        AuditEntry.objects.filter(action=form.action, outcome="done").count(),
    )


@pytest.fixture
def send_and_die(valkey, sandbox, tmp_path):
    """Return how a form is sent to a process that dies at a point."""
    environment = product.Product(redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path).environment
    environment |= {"STAFF_SECOND_FACTOR": "off"}

    def send_it(client: Any, form: Form, hidden: dict[str, str], point: str) -> None:
        order = {"user": client.user.pk, "url": form.url, "fields": hidden | form.fields, "point": point}
        died = subprocess.run(
            [sys.executable, "-m", "tests.processes.dying_form", json.dumps(order)],
            cwd=product.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr

    return send_it


@pytest.mark.parametrize("make", [adjustment, refund, approval])
@pytest.mark.parametrize("point", POINTS)
def test_a_form_whose_process_died_is_done_once_at_most_and_blocks_nobody(send_and_die, make, point):
    form, client = make(), log_in(StaffFactory())
    opened, before = open_form(client, form.url), effects(form)

    send_and_die(client, form, opened.hidden, point)
    left = effects(form)
    again = send(client, form.url, opened, **form.fields)
    after_again = effects(form)

    assert (left[-1], left == before) == ((1, False) if point == "committed" else (0, True))
    assert FormToken.objects.get(pk=opened.token).used_at is not None
    assert (after_again, again.status_code) == (left, 302)
    assert "stands here if it worked" in read_messages(again)[-1]
    if point != "committed":
        send(client, form.url, open_form(client, form.url), **form.fields)
        assert effects(form)[-1] == 1
    elif form.action == "refund.approve":
        # Opened anew it tells that there is nothing left to decide.
        assert client.get(form.url).status_code == 302
