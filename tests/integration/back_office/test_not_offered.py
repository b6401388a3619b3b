"""The page of an action that makes no sense now leads back to what it is about, and says why."""

from functools import partial

import pytest
from django.utils import timezone

from billing.models import Wallet
from namaskah.audit.models import AuditEntry, FormToken
from payments.models import ReconciliationBreak
from payments.services import breaks
from tests.factories.api_keys import make_api_key
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.people import approve, ask
from tests.factories.refunds import DisputeFactory, ReconciliationBreakFactory, RefundFactory
from tests.factories.refunds import request as ask_refund
from tests.factories.replays import ReplayRunFactory
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import keep_form_open, read_messages, send
from tests.integration.back_office.reading import words_of

pytestmark = pytest.mark.django_db(transaction=True)


def payment(at="completed", **changes):
    return f"/admin/payments/paymentlog/{PaymentFactory(at=at, **changes).pk}"


def disputed():
    return f"/admin/payments/paymentlog/{DisputeFactory(payment=PaymentFactory(at='completed')).payment_id}"


def refund():
    return f"/admin/payments/refund/{RefundFactory().pk}"


def adjustment():
    made = approve(ask(post(UserFactory()).user, "1000"), StaffFactory())
    return f"/admin/billing/creditadjustment/{made.pk}"


def closed_break():
    found = ReconciliationBreakFactory(state="gone", closed_at=timezone.now())
    return f"/admin/payments/reconciliationbreak/{found.pk}"


def open_break():
    return f"/admin/payments/reconciliationbreak/{ReconciliationBreakFactory().pk}"


def revoked_key():
    key, _ = make_api_key(UserFactory())
    type(key).objects.update(revoked_at=timezone.now())
    return f"/admin/api_keys/apikey/{key.pk}"


def event(**changes):
    return f"/admin/payments/webhookevent/{WebhookEventFactory(**changes).pk}"


def ended_run():
    run = ReplayRunFactory(state="stopped", stopped_by=StaffFactory(), ended_at=timezone.now())
    return f"/admin/payments/replayrun/{run.pk}"


def member(**changes):
    return f"/admin/auth/user/{StaffFactory(**{'is_superuser': False} | changes).pk}"


def send_late(client, url, **fields):
    return send(client, url, keep_form_open(client, url), **fields)


NOT_NOW = {
    "refund of a payment without money": (partial(payment, "pending"), "refund", "no money of it is known"),
    "refund of a disputed payment": (disputed, "refund", "the dispute decides about the money"),
    "verification of a settled payment": (partial(payment, "completed"), "verify", "could not tell anything new"),
    "credit without a review": (payment, "credit", "not under review"),
    "dismissal without a review": (payment, "dismiss", "not under review"),
    "approval of a refund": (refund, "approve", "does not wait for a decision"),
    "rejection of a refund": (refund, "reject", "does not wait for a decision"),
    "end of a refund": (refund, "never-sent", "looked for at Paystack in vain"),
    "look at a refund that was not sent": (refund, "look", "Paystack does not have this refund"),
    "approval of an adjustment": (adjustment, "approve", "does not wait for a decision"),
    "rejection of an adjustment": (adjustment, "reject", "does not wait for a decision"),
    "dismissal of a closed break": (closed_break, "dismiss", "This break is closed"),
    "taking a closed break": (closed_break, "take", "This break is closed"),
    "handing back of nobody's break": (open_break, "hand-back", "nobody works on it"),
    "revocation of a revoked key": (revoked_key, "revoke", "revoked before"),
    "replay of what nothing is done for": (
        partial(event, event_type="invoice.create"),
        "replay",
        "could not do anything",
    ),
    "dismissal of an event that is due": (event, "dismiss", "does not wait for a person"),
    "stop of a run that has ended": (ended_run, "stop", "It runs no more"),
    "reactivation of somebody active": (member, "reactivate", "its page says what can be done"),
    "deactivation of somebody inactive": (partial(member, is_active=False), "deactivate", "its page says what can"),
}


@pytest.mark.parametrize(("make", "action", "why"), NOT_NOW.values(), ids=NOT_NOW.keys())
def test_the_page_of_what_makes_no_sense_now_leads_back_and_says_why(superuser, make, action, why):
    row = make()

    answer = superuser.get(f"{row}/{action}/")

    assert (answer.status_code, answer["Location"]) == (302, f"{row}/change/")
    (told,) = read_messages(answer)
    assert (": not possible now. " in told, why in told) == (True, True), told
    assert FormToken.objects.count() == 0


def test_what_is_ones_own_or_was_asked_for_by_oneself_leads_back_too():
    me = StaffFactory()
    client = log_in(me)
    own_wallet = f"/admin/billing/wallet/{Wallet.objects.get(user=post(me).user).pk}/adjust/"
    own_request = f"/admin/billing/creditadjustment/{ask(UserFactory(), '1000', by=me).pk}/approve/"
    large = PaymentFactory(at="completed", credit_amount=250, amount_minor=41_250_000)
    own_refund = f"/admin/payments/refund/{ask_refund(large, by=me).pk}/approve/"
    myself = f"/admin/auth/user/{me.pk}/deactivate/"

    told = []
    for url in (own_wallet, own_request, own_refund, myself):
        answer = client.get(url)
        assert answer.status_code == 302
        told += read_messages(answer)

    assert all("a colleague has to" in text for text in told[:3])
    assert "A superuser has to" in told[3]


def test_a_form_that_was_opened_in_time_is_refused_by_the_service(superuser):
    row = payment("pending")
    terms = {"amount": "", "reason_code": "Paid twice", "ticket": "T-1", "note": "Twice"}

    refund_answer = send_late(superuser, f"{row}/refund/", **terms)
    review_answer = send_late(superuser, f"{row}/dismiss/", note="Fine")

    assert (refund_answer.status_code, "no money of it is known to have arrived" in words_of(refund_answer)) == (
        400,
        True,
    )
    assert review_answer.status_code == 400
    assert list(AuditEntry.objects.exclude(action="log_in").values_list("outcome", flat=True)) == ["refused"] * 2


def test_who_may_not_is_refused_whatever_makes_sense(staff):
    row = payment("pending")

    assert staff("Auditor").get(f"{row}/refund/").status_code == 403


def test_a_break_is_refused_to_who_has_it_and_not_handed_back_by_a_form_that_is_late(staff):
    row, mine = open_break(), staff("Finance")
    late = send_late(mine, f"{row}/hand-back/")
    breaks.take_break(break_id=ReconciliationBreak.objects.get().pk, by=mine.user)

    again = send_late(mine, f"{row}/take/")

    assert "Nobody works on this break" in words_of(late)
    assert "You work on this break already" in words_of(again)
    assert (late.status_code, again.status_code) == (400, 400)
    assert ReconciliationBreak.objects.get().assigned_to == mine.user
