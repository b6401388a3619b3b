"""Traps 10, 11, 26 to 28 and 34 to 36: how other systems lost, refused or silenced what the gateway told them."""

import json
import re
import time
from threading import Event

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, get_resolver, resolve

from billing.models import Transaction
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhooks
from payments.webhooks.views import receive_webhook
from tests import steady_windows
from tests.events import charge_success, sign
from tests.factories.payments import PaymentFactory
from tests.integration import actors
from tests.processes.product import ROOT, WEBHOOK_PATH
from tests.unit.payments.services.queue_clock import make_due
from tests.unit.payments.webhooks import samples
from tests.unit.payments.webhooks.odd_bodies import ODD_BODIES, REFERENCE

RAW = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
DELIVERED = (200, {"status": "success"})
GATEWAY = "52.31.139.75"
ADDRESS_IN_A_TEXT = re.compile(r"/api/v1/[a-z0-9/_-]*webhook[a-z0-9/_-]*")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment():
    """The purchase that RAW says was paid."""
    return PaymentFactory(reference=REFERENCE)


def deliver(raw=RAW, *, signature=None, path=WEBHOOK_PATH, **where):
    headers = {"x-paystack-signature": signature or sign(raw)}
    http = Client(raise_request_exception=False)
    return http.post(path, raw, content_type="application/json", headers=headers, **where)


def told(answer):
    return (answer.status_code, answer.json())


def credits_posted():
    return list(Transaction.objects.values_list("type", "amount"))


def test_trap_10_an_event_whose_worker_died_is_no_duplicate_when_it_comes_again(payment):
    deliver()
    with pytest.raises(SystemExit), connection.execute_wrapper(_die_before_marking):
        webhooks.drain_inbox()

    again = deliver()
    make_due()
    webhooks.drain_inbox()

    event = WebhookEvent.objects.get()
    assert told(again) == DELIVERED
    assert (event.status, event.deliveries, event.payment_id) == ("processed", 2, payment.pk)
    assert credits_posted() == [("credit", 25)]


def test_trap_11_an_event_that_the_database_refuses_is_not_taken_for_one_that_is_there(scratch_database):
    payment = PaymentFactory(reference=REFERENCE)
    _execute("ALTER TABLE webhook_events ADD CONSTRAINT refuses_all CHECK (deliveries = 0) NOT VALID")
    refused = deliver()
    _execute("ALTER TABLE webhook_events DROP CONSTRAINT refuses_all")

    again = deliver()
    webhooks.drain_inbox()

    assert (refused.status_code, told(again)) == (500, DELIVERED)
    assert WebhookEvent.objects.get().payment_id == payment.pk
    assert credits_posted() == [("credit", 25)]


def test_trap_11_a_credit_that_the_database_refuses_is_not_taken_for_one_that_was_given(scratch_database):
    PaymentFactory(reference=REFERENCE)
    _execute("ALTER TABLE sms_transactions ADD CONSTRAINT refuses_all CHECK (amount < 0) NOT VALID")
    deliver()

    webhooks.drain_inbox()

    event = WebhookEvent.objects.get()
    assert (event.status, event.error_class, bytes(event.body)) == ("dead", "IntegrityError", RAW)
    assert (PaymentLog.objects.get().credited, credits_posted()) == (False, [])


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda odd: odd.name)
def test_trap_26_an_odd_body_is_answered_clearly_however_often_it_comes_and_never_500(odd):
    answers = [deliver(odd.raw) for _ in range(3)]

    event = WebhookEvent.objects.get()
    assert [answer.status_code for answer in answers] == [400 if odd.is_refused else 200] * 3
    assert (event.status, event.deliveries, bytes(event.body)) == (odd.status, 3, odd.raw)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"metadata": ""}, id="metadata empty"),
        pytest.param({"metadata": None}, id="metadata null"),
        pytest.param({"metadata": [["a"]]}, id="metadata a list"),
        pytest.param({"customer": None, "authorization": []}, id="null and a list where objects stand"),
        pytest.param({"amount": "4125000", "requested_amount": "4125000"}, id="amount as text"),
    ],
)
def test_trap_26_an_odd_event_that_says_what_was_paid_is_credited(payment, changes):
    deliver(charge_success(**{"reference": REFERENCE, "amount_minor": 4_125_000, "transaction_id": 1, **changes}))

    webhooks.drain_inbox()

    assert credits_posted() == [("credit", 25)]
    assert WebhookEvent.objects.get().status == "processed"


def test_trap_27_refund_events_without_an_id_are_each_kept():
    refunds = [samples.load(f"refund.{state}") for state in ("pending", "processing", "processed", "failed")]
    second = samples.load("refund.processed").replace(b"631118402975", b"631118402976")

    for raw in [*refunds, second, second]:
        deliver(raw)

    kept = WebhookEvent.objects.order_by("received_at")
    assert [bytes(event.body) for event in kept] == [*refunds, second]
    assert [(event.object_id, event.deliveries) for event in kept] == [(0, 1), (0, 1), (0, 1), (0, 1), (0, 2)]
    assert {event.reference for event in kept} == {"crd-20261104-7Q2M9XK4"}


def test_trap_28_the_endpoint_has_one_address():
    assert [path for path, view in _walk(get_resolver(), "/") if view is receive_webhook] == [WEBHOOK_PATH]


@pytest.mark.parametrize(
    "path",
    [
        f"{WEBHOOK_PATH}/",
        f"/{WEBHOOK_PATH}",
        f"{WEBHOOK_PATH}.json",
        f"{WEBHOOK_PATH}%00",
        WEBHOOK_PATH.upper(),
        WEBHOOK_PATH.removeprefix("/api/v1"),
        WEBHOOK_PATH.replace("v1", "v2"),
    ],
)
def test_trap_28_no_other_address_takes_events(path):
    answer = deliver(path=path)

    assert (answer.status_code, WebhookEvent.objects.count()) == (404, 0)


def test_trap_28_whatever_names_the_address_names_the_one_that_exists():
    named = {
        address
        for folder in ("tests", "devtools", "docs", "examples", "deploy")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".sh", ".json", ".yaml", ".conf"}
        for address in ADDRESS_IN_A_TEXT.findall(path.read_text())
    }

    assert named == {WEBHOOK_PATH}
    assert resolve(WEBHOOK_PATH).func is receive_webhook


def test_trap_28_no_test_replaces_the_comparison_of_signatures():
    comparison = "compare" + "_digest"

    replacing = [path.name for path in (ROOT / "tests").rglob("*.py") if comparison in path.read_text()]

    assert replacing == []


@pytest.mark.parametrize("state", ["create", "remind", "resolve"])
def test_trap_34_a_dispute_is_found_where_it_names_its_payment(state):
    raw = samples.load(f"charge.dispute.{state}").replace(b"crd-20261104-7Q2M9XK4", REFERENCE.encode())

    answer = deliver(raw)

    event = WebhookEvent.objects.get()
    assert json.loads(raw)["data"]["transaction"]["reference"] == REFERENCE
    assert told(answer) == DELIVERED
    assert (event.event_type, event.reference) == (f"charge.dispute.{state}", REFERENCE)


@pytest.mark.parametrize(
    ("proxies", "where"),
    [
        pytest.param(0, {"REMOTE_ADDR": "10.0.0.1"}, id="all seem to come from the proxy"),
        pytest.param(1, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": GATEWAY}, id="forged as the gateway's"),
    ],
)
def test_trap_35_limit_of_bad_signatures_never_silences_the_gateway(payment, settings, monkeypatch, proxies, where):
    steady_windows.stop_the_clock(monkeypatch)
    settings.TRUSTED_PROXY_COUNT = proxies
    flood = [deliver(signature="0" * 128, **where).status_code for _ in range(200)]

    answers = [deliver(**where) for _ in range(100)]

    assert flood == [401] * 60 + [429] * 140
    assert [told(answer) for answer in answers] == [DELIVERED] * 100
    assert WebhookEvent.objects.get().deliveries == 100


def test_trap_36_a_duplicate_is_answered_at_once_while_a_drain_holds_its_row(payment):
    deliver()
    marked, may_commit = Event(), Event()
    drain = actors.start(lambda: _drain_and_stop_before_the_commit(marked, may_commit))
    assert marked.wait(actors.PATIENCE_SECONDS)

    started = time.monotonic()
    answer = deliver()
    seconds = time.monotonic() - started
    may_commit.set()
    drain.result(actors.PATIENCE_SECONDS)

    # The lock time-out of the database is 3 s.
    assert (told(answer), seconds < 2) == (DELIVERED, True)
    assert WebhookEvent.objects.get().status == "processed"
    assert credits_posted() == [("credit", 25)]


def _execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _die_before_marking(execute, sql, params, many, context):
    if "status = 'processed'" in sql:
        raise SystemExit
    return execute(sql, params, many, context)


def _drain_and_stop_before_the_commit(marked, may_commit):
    def stop(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if "status = 'processed'" in sql:
            marked.set()
            assert may_commit.wait(actors.PATIENCE_SECONDS)
        return result

    with connection.execute_wrapper(stop):
        webhooks.drain_inbox()


def _walk(resolver, prefix):
    for part in resolver.url_patterns:
        path = prefix + str(part.pattern)
        if isinstance(part, URLPattern):
            yield path, part.callback
        else:
            yield from _walk(part, path)
