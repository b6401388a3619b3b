"""Initialize when the gateway refuses, is away, or leaves what became of the call unknown."""

from uuid import uuid4

import pytest

from namaskah.idempotency.models import IdempotencyKey
from payments.models import GatewayCall, PaymentLog
from tests.integration.actors import run_together, start
from tests.integration.api.clients import problem, read
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

# The gateway did what was asked, and the answer was lost.
LOST_AFTER_ACCEPT = [
    ("timeout_after_accept", {}),
    ("reset_after_accept", {}),
    ("http_500_after_accept", {}),
    ("html_200", {"accepted": True}),
    ("half_body", {}),
    ("not_json", {}),
    ("wrong_reference", {}),
    ("missing_data", {}),
]
# The gateway did nothing, which nobody on this side can know.
LOST_BEFORE_ACCEPT = [("timeout_before_accept", {}), ("reset_before_accept", {}), ("http_500", {}), ("html_200", {})]


@pytest.fixture
def impatient(settings):
    settings.PAYSTACK_READ_TIMEOUT_SECONDS = 0.3


@pytest.fixture
def key():
    return uuid4()


def _payments():
    return list(PaymentLog.objects.order_by("attempt"))


def _outcomes():
    return list(GatewayCall.objects.order_by("id").values_list("operation", "outcome"))


def test_a_refusal_of_the_gateway_is_stored_and_given_again(api, sandbox, key):
    sandbox.script(operation="initialize", fault="rejected", code="invalid_amount", message="Invalid Amount Sent")
    first = api.initialize(key=key)

    again = api.initialize(key=key)

    (payment,) = _payments()
    assert problem(first) == (502, "gateway_rejected")
    assert read(first)["detail"] == "Invalid Amount Sent"
    assert (payment.state, payment.error_code, payment.error_message) == (
        "failed",
        "gateway_rejected",
        "Invalid Amount Sent",
    )
    assert (again.status_code, again.content, again["Content-Type"]) == (502, first.content, first["Content-Type"])
    assert again["Idempotent-Replayed"] == "true"
    assert _outcomes() == [("initialize", "rejected")]


def test_a_refusal_whose_answer_was_lost_after_the_commit_is_told_again_without_another_call(api, sandbox, key):
    sandbox.script(operation="initialize", fault="rejected", message="Invalid Amount Sent")
    first = api.initialize(key=key)
    _forget_the_answer()

    again = api.initialize(key=key)

    assert (problem(again), read(again)["detail"]) == (problem(first), read(first)["detail"])
    assert _outcomes() == [("initialize", "rejected")]


def test_a_purchase_whose_answer_was_lost_after_the_commit_is_told_again_without_another_call(api, sandbox, key):
    first = api.initialize(key=key)
    _forget_the_answer()

    again = api.initialize(key=key)

    assert (again.status_code, read(again)) == (201, read(first))
    assert _outcomes() == [("initialize", "answered")]


def _forget_the_answer():
    """Have the process have died between its last write and the storing of its answer."""
    IdempotencyKey.objects.update(
        recovery_point="gateway_called", response_status=None, response_content_type="", response_body=None
    )


def test_a_gateway_that_is_away_leaves_the_payment_pending_and_the_key_resumes_it(api, sandbox, gateway_away, key):
    with gateway_away():
        first = api.initialize(key=key)
    (waiting,) = _payments()

    again = api.initialize(key=key)

    (payment,) = _payments()
    assert problem(first) == (503, "gateway_unavailable")
    assert int(first["Retry-After"]) >= 1
    assert waiting.state == "pending"
    assert (again.status_code, read(again)["reference"], payment.state) == (201, waiting.reference, "processing")
    assert "Idempotent-Replayed" not in again
    assert _outcomes() == [("initialize", "unavailable"), ("initialize", "answered")]


@pytest.mark.parametrize(
    ("fault", "code", "outcome"),
    [
        ("unauthorized", "gateway_misconfigured", "unavailable"),
        ("rate_limited", "gateway_unavailable", "unavailable"),
    ],
)
def test_a_gateway_that_will_not_serve_us_leaves_the_payment_pending(api, sandbox, key, fault, code, outcome):
    sandbox.script(operation="initialize", fault=fault)

    answer = api.initialize(key=key)

    (payment,) = _payments()
    assert problem(answer) == (503, code)
    assert int(answer["Retry-After"]) >= 1
    assert (payment.state, _outcomes()) == ("pending", [("initialize", outcome)])
    assert read(api.initialize(key=key))["reference"] == payment.reference


@pytest.mark.parametrize(("fault", "options"), LOST_AFTER_ACCEPT)
def test_a_lost_answer_of_a_call_that_was_accepted_is_resumed_under_a_new_reference(
    api, sandbox, impatient, key, fault, options
):
    sandbox.script(operation="initialize", fault=fault, **options)
    first = api.initialize(key=key)

    again = api.initialize(key=key)

    old, new = _payments()
    assert problem(first) == (503, "gateway_outcome_unknown")
    assert int(first["Retry-After"]) >= 1
    assert (again.status_code, read(again)["reference"]) == (201, new.reference)
    assert (old.state, old.superseded_by, new.state, new.attempt) == ("pending", new, "processing", 2)
    assert (new.amount_minor, new.exchange_rate, new.idempotency_key) == (old.amount_minor, old.exchange_rate, key)
    assert _outcomes() == [("initialize", "unknown"), ("verify", "answered"), ("initialize", "answered")]


@pytest.mark.parametrize(("fault", "options"), LOST_BEFORE_ACCEPT)
def test_a_lost_answer_of_a_call_that_was_not_accepted_is_resumed_under_the_same_reference(
    api, sandbox, impatient, key, fault, options
):
    sandbox.script(operation="initialize", fault=fault, **options)
    first = api.initialize(key=key)

    again = api.initialize(key=key)

    (payment,) = _payments()
    assert problem(first) == (503, "gateway_outcome_unknown")
    assert (again.status_code, read(again)["reference"], payment.state) == (201, payment.reference, "processing")
    assert _outcomes() == [("initialize", "unknown"), ("verify", "answered"), ("initialize", "answered")]


def test_an_unknown_outcome_that_cannot_be_looked_up_stays_unknown_and_is_not_sent_again(api, sandbox, impatient, key):
    sandbox.script(operation="initialize", fault="reset_after_accept")
    sandbox.script(operation="verify", fault="http_500", times=3)
    api.initialize(key=key)

    answer = api.initialize(key=key)

    (payment,) = _payments()
    assert problem(answer) == (503, "gateway_unavailable")
    assert payment.state == "pending"
    assert _outcomes() == [("initialize", "unknown"), ("verify", "unavailable")]


def test_a_payment_paid_before_its_page_was_known_is_answered_completed_without_a_page(api, sandbox, impatient, key):
    sandbox.script(operation="initialize", fault="reset_after_accept")
    api.initialize(key=key)
    (payment,) = _payments()
    sandbox.pay(payment.reference)

    answer = api.initialize(key=key)

    body = read(answer)
    assert answer.status_code == 201
    assert (body["reference"], body["state"], body["authorization_url"], body["access_code"]) == (
        payment.reference,
        "completed",
        None,
        None,
    )
    assert api.balance() == "25.00"
    assert api.initialize(key=key).content == answer.content


def test_both_attempts_paid_are_both_credited_and_the_later_is_under_review(api, sandbox, impatient, key):
    sandbox.script(operation="initialize", fault="reset_after_accept")
    api.initialize(key=key)
    api.initialize(key=key)
    old, new = _payments()

    for payment in (old, new):
        sandbox.pay(payment.reference)
        assert api.verify(payment.reference).status_code == 200

    assert api.balance() == "50.00"
    assert [payment.review_reason for payment in _payments()] == ["", "paid_twice"]


def test_a_reference_that_the_gateway_knows_already_is_replaced_at_once(api, sandbox, key):
    sandbox.script(
        operation="initialize", fault="rejected", code="duplicate_reference", message="Duplicate Transaction Reference"
    )

    answer = api.initialize(key=key)

    old, new = _payments()
    assert (answer.status_code, read(answer)["reference"]) == (201, new.reference)
    assert (old.state, old.superseded_by_id, new.attempt) == ("pending", new.pk, 2)


def test_a_gateway_that_refuses_two_new_references_leaves_the_key_free_for_another_try(api, sandbox, key):
    sandbox.script(
        operation="initialize",
        fault="rejected",
        code="duplicate_reference",
        message="Duplicate Transaction Reference",
        times=2,
    )

    refused = api.initialize(key=key)
    answer = api.initialize(key=key)

    assert problem(refused) == (503, "gateway_unavailable")
    assert (answer.status_code, read(answer)["state"]) == (201, "processing")
    assert [payment.attempt for payment in _payments()][:2] == [1, 2]


def test_a_refused_look_up_is_not_the_keys_final_answer(api, sandbox, key):
    sandbox.script(operation="initialize", fault="reset_before_accept")
    api.initialize(key=key)
    sandbox.script(operation="verify", fault="rejected", code="forbidden", message="IP address not allowed")

    refused = api.initialize(key=key)
    answer = api.initialize(key=key)

    assert problem(refused) == (503, "gateway_unavailable")
    assert (answer.status_code, read(answer)["state"]) == (201, "processing")


@pytest.mark.django_db(transaction=True)
def test_a_page_that_comes_after_the_payment_was_completed_leaves_it_completed(api, sandbox, key):
    # The gateway takes seconds to write its answer down, byte by byte; the payer is quicker.
    sandbox.script(operation="initialize", fault="drip", pause_milliseconds=3)
    initializing = start(lambda: api.initialize(key=key))
    wait_until(lambda: GatewayCall.objects.filter(reference=_newest(sandbox)).exists(), seconds=10)
    sandbox.pay(_newest(sandbox))
    verified = api.verify(_newest(sandbox))

    answer = initializing.result(20)

    (payment,) = _payments()
    assert (verified.status_code, read(verified)["state"]) == (200, "completed")
    assert (answer.status_code, read(answer)["state"], read(answer)["authorization_url"]) == (201, "completed", None)
    assert (payment.state, payment.authorization_url != "") == ("completed", True)
    assert api.balance() == "25.00"


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_gateway_is_asked(api, sandbox, impatient, key):
    sandbox.script(operation="initialize", fault="timeout_after_accept")
    initializing = start(lambda: api.initialize(key=key))

    # What another connection can read is committed: the payment, the key and the call, before any answer.
    wait_until(lambda: GatewayCall.objects.filter(outcome="open").exists(), seconds=10)
    (payment,) = _payments()
    recovery_point = IdempotencyKey.objects.get().recovery_point

    assert (payment.state, recovery_point) == ("pending", "payment_created")
    assert problem(initializing.result(20)) == (503, "gateway_outcome_unknown")


@pytest.mark.django_db(transaction=True)
def test_eight_requests_with_one_key_are_one_purchase(api, sandbox, key, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "initialize": 8}

    answers = run_together([lambda: api.initialize(key=key)] * 8)

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert {problem(answer) for answer in answers if answer.status_code == 409} <= {(409, "request_in_progress")}
    assert {answer.get("Retry-After") for answer in answers if answer.status_code == 409} <= {"1"}
    assert (len(_payments()), len(_outcomes())) == (1, 1)


def _newest(sandbox):
    return sandbox.transactions()[0]["reference"] if sandbox.transactions() else ""
