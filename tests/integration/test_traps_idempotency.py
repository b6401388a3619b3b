"""Traps 6 to 11: what other systems did with a request, or an event, that came twice."""

from functools import partial
from uuid import uuid4

import pytest
from django.db import connection

from billing.models import Transaction
from namaskah.idempotency.models import IdempotencyKey
from payments.models import PaymentLog, WebhookEvent
from payments.services import webhooks
from tests.factories.billing import post
from tests.integration.actors import PATIENCE_SECONDS, Pause, start, wait_until_blocked
from tests.integration.api.clients import DEBITS, IDEMPOTENCY, INITIALIZE, VERIFY, deliver, problem, read
from tests.unit.namaskah.idempotency.steps import LEASE_SECONDS, stay_silent
from tests.unit.payments.services.queue_clock import make_due

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key():
    return uuid4()


def test_trap_06_a_retry_in_flight_is_409_and_a_replay_has_its_url(api, sandbox, key):
    pause = Pause('UPDATE "payment_logs"')
    first = start(pause.of(partial(api.initialize, key=key)))
    pause.wait_until_reached()

    in_flight = api.initialize(key=key)
    pause.go_on()
    answer = first.result(PATIENCE_SECONDS)
    afterwards = api.initialize(key=key)

    assert problem(in_flight) == (409, "request_in_progress")
    assert (answer.status_code, read(answer)["authorization_url"][:4]) == (201, "http")
    assert (afterwards.status_code, afterwards.content) == (201, answer.content)


def test_trap_06_a_replay_after_the_payment_was_completed_has_its_url_too(api, sandbox, key):
    first = read(api.initialize(key=key))
    sandbox.pay(first["reference"])
    api.verify(first["reference"])

    again = api.initialize(key=key)

    assert (again.status_code, read(again)["authorization_url"]) == (201, first["authorization_url"])


def test_trap_07_key_of_another_user_is_no_collision(api, other_api, sandbox, key):
    mine, theirs = (read(client.initialize(key=key)) for client in (api, other_api))

    assert mine["reference"] != theirs["reference"]
    assert set(PaymentLog.objects.values_list("user_id", "reference")) == {
        (api.user.pk, mine["reference"]),
        (other_api.user.pk, theirs["reference"]),
    }


def test_trap_07_key_of_another_service_account_is_no_collision(api, service, other_service, key):
    post(api.user)

    answers = [client.debit(api.user, key=key) for client in (service, other_service)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert api.balance() == "8.00"


def test_trap_07_a_changed_amount_is_noticed(api, service, sandbox, key):
    post(api.user)
    wanted = {"key": key, "reference": "sms-1"}
    answers = [service.debit(api.user, amount, **wanted) for amount in ("1.00", "1.0001", "1.0000")]
    purchases = [api.initialize(key=key, amount_usd=amount) for amount in ("25.00", "25.01")]

    assert [answer.status_code for answer in answers + purchases] == [201, 422, 201, 201, 422]
    for refused, field in ((answers[1], "amount"), (purchases[1], "amount_usd")):
        assert problem(refused) == (422, "idempotency_key_reused")
        assert [error["field"] for error in read(refused)["errors"]] == [field]
    assert api.balance() == "9.00"


def _die_at(statement):
    """Return a wrapper in which the process is gone once it has sent `statement`."""

    def execute(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith(statement):
            raise SystemExit
        return result

    return connection.execute_wrapper(execute)


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT INTO "payment_logs"',
        'INSERT INTO "gateway_calls"',
        'UPDATE "gateway_calls"',
        'UPDATE "payment_logs"',
        "UPDATE idempotency_keys SET recovery_point = 'finished'",
    ],
)
def test_trap_08_a_purchase_that_crashed_neither_locks_its_key_for_ever_nor_runs_twice(api, sandbox, key, statement):
    with pytest.raises(SystemExit), _die_at(statement):
        api.initialize(key=key)

    at_once = api.initialize(key=key)
    stay_silent(key, seconds=LEASE_SECONDS + 1)
    later = api.initialize(key=key)

    assert problem(at_once) == (409, "request_in_progress")
    assert (later.status_code, read(later)["state"]) == (201, "processing")
    assert PaymentLog.objects.filter(superseded_by__isnull=True).count() == 1


@pytest.fixture(params=["debit", "reversal"])
def posting(request, api, service, key):
    """Return what posts one ledger entry, and the user's balance once it is there."""
    post(api.user)
    if request.param == "debit":
        return partial(service.debit, api.user, "4.00", key=key, reference="sms-1"), "6.00"
    service.debit(api.user, "4.00", reference="sms-0")
    return partial(service.reverse, "sms-0", amount="3.00", key=key), "9.00"


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT INTO "sms_transactions"',
        "UPDATE wallets",
        "UPDATE idempotency_keys SET recovery_point = %s",
        "UPDATE idempotency_keys SET recovery_point = 'finished'",
    ],
)
def test_trap_08_an_entry_whose_request_crashed_is_neither_lost_nor_posted_twice(api, posting, key, statement):
    post_entry, balance = posting
    with pytest.raises(SystemExit), _die_at(statement):
        post_entry()

    at_once = post_entry()
    stay_silent(key, seconds=LEASE_SECONDS + 1)
    later = post_entry()

    assert problem(at_once) == (409, "request_in_progress")
    assert (later.status_code, api.balance()) == (201, balance)
    assert Transaction.objects.filter(idempotency_key=key).count() == 1


def test_trap_08_a_purchase_whose_lease_ran_out_is_not_done_twice(api, sandbox, key):
    pause = Pause('UPDATE "payment_logs"')
    overtaken = start(pause.of(partial(api.initialize, key=key)))
    pause.wait_until_reached()
    stay_silent(key, seconds=LEASE_SECONDS + 1)

    rival = start(partial(api.initialize, key=key))
    # The rival has taken the key and waits for the payment's row.
    wait_until_blocked()
    pause.go_on()

    refused, answer = overtaken.result(PATIENCE_SECONDS), rival.result(PATIENCE_SECONDS)
    old, new = PaymentLog.objects.order_by("attempt")
    assert (problem(refused), answer.status_code) == ((409, "request_in_progress"), 201)
    # Nothing of the overtaken request was written after its call.
    assert (old.state, old.authorization_url, old.superseded_by) == ("pending", "", new)
    assert read(answer)["reference"] == new.reference
    assert api.initialize(key=key).content == answer.content


def test_trap_08_an_entry_whose_lease_ran_out_is_not_posted_twice(api, posting, key):
    post_entry, balance = posting
    pause = Pause('INSERT INTO "sms_transactions"')
    overtaken = start(pause.of(post_entry))
    pause.wait_until_reached()
    stay_silent(key, seconds=LEASE_SECONDS + 1)

    rival = start(post_entry)
    wait_until_blocked()
    pause.go_on()

    refused, answer = overtaken.result(PATIENCE_SECONDS), rival.result(PATIENCE_SECONDS)
    assert (problem(refused), answer.status_code) == ((409, "request_in_progress"), 201)
    # Nothing of the overtaken request was written: the one entry is the rival's.
    assert Transaction.objects.get(idempotency_key=key).request_id == answer["X-Request-ID"]
    assert api.balance() == balance


@pytest.mark.parametrize(
    "key", ["7", "not-a-uuid", "0d6c1f0e9b1a4c3d8e4f0123456789ab", "{0d6c1f0e-9b1a-4c3d-8e4f-012345678}"]
)
@pytest.mark.parametrize("path", [INITIALIZE, VERIFY, DEBITS, f"{DEBITS}/sms-1/reverse"])
def test_trap_09_a_key_that_is_no_uuid_is_400_and_never_500(service, path, key):
    answer = service.post(path, {}, key=key)

    assert problem(answer) == (400, "idempotency_key_invalid")
    assert IdempotencyKey.objects.count() == 0


def test_trap_09_a_key_that_is_no_uuid_cannot_be_asked_about(api):
    assert problem(api.get(f"{IDEMPOTENCY}/7")) == (400, "idempotency_key_invalid")


def test_trap_10_an_event_whose_processing_crashed_is_not_lost_as_a_duplicate(api, sandbox):
    reference = read(api.initialize())["reference"]
    delivered = [deliver(reference, amount_minor=4_125_000)]
    with _fail_at('INSERT INTO "sms_transactions"'):
        webhooks.drain_inbox()
    crashed = WebhookEvent.objects.get()

    delivered.append(deliver(reference, amount_minor=4_125_000))
    make_due()
    webhooks.drain_inbox()

    event = WebhookEvent.objects.get()
    assert [answer.status_code for answer in delivered] == [200, 200]
    assert (crashed.status, crashed.processed_at) == ("retrying", None)
    assert (event.status, event.deliveries, event.attempts) == ("processed", 2, 2)
    assert api.balance() == "25.00"


def _fail_at(statement):
    """Return a wrapper in which the code around `statement` has a fault."""

    def execute(execute, sql, params, many, context):
        if sql.startswith(statement):
            raise ZeroDivisionError
        return execute(sql, params, many, context)

    return connection.execute_wrapper(execute)


@pytest.fixture
def planted_rule(transactional_db):
    """A rule of the database that nobody expects: it refuses all credits and debits. Return what lifts it."""
    _execute("ALTER TABLE sms_transactions ADD CONSTRAINT planted CHECK (type NOT IN ('credit', 'debit')) NOT VALID")
    lift = partial(_execute, "ALTER TABLE sms_transactions DROP CONSTRAINT IF EXISTS planted")
    yield lift
    lift()


def _execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_trap_11_an_integrity_error_is_not_taken_for_credited_by_verify(api, sandbox, planted_rule):
    reference = read(api.initialize())["reference"]
    sandbox.pay(reference)

    refused = api.verify(reference)
    planted_rule()
    answer = api.verify(reference)

    assert problem(refused) == (500, "internal_error")
    assert (read(answer)["status"], read(answer)["new_balance"]) == ("success", "25.00")


def test_trap_11_an_integrity_error_is_not_taken_for_credited_by_a_webhook(api, sandbox, planted_rule):
    reference = read(api.initialize())["reference"]
    deliver(reference, amount_minor=4_125_000)

    webhooks.drain_inbox()

    event = WebhookEvent.objects.get()
    assert (event.status, event.error_class, event.processed_at) == ("dead", "IntegrityError", None)
    assert (PaymentLog.objects.get().credited, api.balance()) == (False, "0.00")


def test_trap_11_an_integrity_error_is_not_taken_for_debited(api, service, planted_rule, key):
    post(api.user)
    debit = partial(service.debit, api.user, "4.00", key=key, reference="sms-1")

    refused = debit()
    planted_rule()
    answer = debit()

    assert problem(refused) == (500, "internal_error")
    assert (answer.status_code, api.balance()) == (201, "6.00")
