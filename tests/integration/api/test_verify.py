import pytest
from django_redis import get_redis_connection

from billing.models import Transaction
from payments.models import GatewayCall, PaymentLog
from tests.factories.payments import PaymentFactory
from tests.integration.actors import run_together
from tests.integration.api.clients import VERIFY, field_codes, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def reference(api, sandbox):
    """Return the reference of a purchase that waits for its payer."""
    return read(api.initialize())["reference"]


def _not_credited(reference, *, status, state, message):
    return {
        "reference": reference,
        "status": status,
        "state": state,
        "amount_credited": "0.00",
        "new_balance": "0.00",
        "message": message,
    }


def test_verify_of_a_paid_payment_credits_it(api, sandbox, reference):
    sandbox.pay(reference)

    answer = api.verify(reference)

    assert (answer.status_code, read(answer)) == (
        200,
        {
            "reference": reference,
            "status": "success",
            "state": "completed",
            "amount_credited": "25.00",
            "new_balance": "25.00",
            "message": "Payment verified and credited",
        },
    )
    (entry,) = Transaction.objects.all()
    assert (entry.user, entry.amount, entry.reference, entry.request_id) == (
        api.user,
        25,
        reference,
        answer["X-Request-ID"],
    )


def test_verify_again_answers_the_same_and_credits_nothing(api, sandbox, reference):
    sandbox.pay(reference)
    first = api.verify(reference)

    again = api.verify(reference)

    assert read(again) == read(first)
    assert Transaction.objects.count() == 1


def test_verify_of_a_completed_payment_asks_nobody(api, sandbox, reference, gateway_away):
    sandbox.pay(reference)
    api.verify(reference)
    calls = GatewayCall.objects.count()

    with gateway_away():
        answer = api.verify(reference)

    assert (answer.status_code, read(answer)["status"]) == (200, "success")
    assert GatewayCall.objects.count() == calls


def test_verify_of_an_unpaid_payment_is_pending(api, reference):
    answer = api.verify(reference)

    assert (answer.status_code, read(answer)) == (
        200,
        _not_credited(reference, status="pending", state="processing", message="Payment is not completed yet"),
    )


@pytest.mark.parametrize(
    ("outcome", "status", "state", "message"),
    [
        ("failed", "failed", "failed", "Payment failed"),
        ("abandoned", "pending", "processing", "Payment is not completed yet"),
    ],
)
def test_verify_of_an_attempt_that_came_to_nothing(api, sandbox, reference, outcome, status, state, message):
    sandbox.pay(reference, outcome=outcome)

    answer = api.verify(reference)

    assert read(answer) == _not_credited(reference, status=status, state=state, message=message)


def test_verify_of_a_payment_that_failed_and_was_paid_afterwards_credits_it(api, sandbox, reference):
    sandbox.pay(reference, outcome="failed")
    api.verify(reference)
    sandbox.pay(reference)

    answer = api.verify(reference)

    assert (read(answer)["status"], read(answer)["new_balance"]) == ("success", "25.00")


@pytest.mark.parametrize(
    ("paid", "reason"),
    [
        ({"amount_minor": 1}, "partial_debit"),
        ({"currency": "GHS"}, "currency_mismatch"),
        ({"domain": "live"}, "wrong_domain"),
    ],
)
def test_verify_of_a_payment_that_does_not_fit_credits_nothing_and_is_pending(api, sandbox, reference, paid, reason):
    sandbox.pay(reference, **paid)

    answer = api.verify(reference)

    assert (answer.status_code, read(answer)) == (
        200,
        _not_credited(reference, status="pending", state="processing", message="Payment is under review"),
    )
    assert (PaymentLog.objects.get().review_reason, Transaction.objects.count()) == (reason, 0)


def test_verify_of_a_payment_that_the_gateway_does_not_know_is_pending(api, sandbox):
    payment = PaymentFactory(user=api.user)

    answer = api.verify(payment.reference)

    assert (answer.status_code, read(answer)["status"], read(answer)["state"]) == (200, "pending", "pending")


def test_verify_of_an_unknown_reference_is_404(api):
    assert problem(api.verify("nmk-" + "0" * 36)) == (404, "payment_not_found")


@pytest.mark.parametrize("reference", ["x", "nmk-", "' OR 1=1 --", "../../etc/passwd", "é"])
def test_verify_of_what_is_no_reference_is_404(api, reference):
    assert problem(api.verify(reference)) == (404, "payment_not_found")


def test_verify_of_another_users_payment_is_404_and_credits_nobody(api, other_api, sandbox, reference):
    sandbox.pay(reference)

    answer = other_api.verify(reference)

    assert problem(answer) == (404, "payment_not_found")
    assert Transaction.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("reference", "required")]),
        ({"reference": None}, [("reference", "null")]),
        ({"reference": ""}, [("reference", "blank")]),
        ({"reference": "x" * 101}, [("reference", "max_length")]),
        ({"reference": ["nmk-"]}, [("reference", "invalid")]),
        ({"reference": "nmk-", "user": 1}, [("user", "unknown_field")]),
        ([], [("", "invalid")]),
    ],
)
def test_verify_refuses_a_body_that_is_not_valid(api, body, errors):
    assert field_codes(api.post(VERIFY, body)) == errors


def test_verify_needs_no_key(api, reference):
    assert api.post(VERIFY, {"reference": reference}).status_code == 200


def test_verify_while_another_process_works_on_it_is_busy(api, sandbox, reference, settings):
    settings.PAYMENT_LOCK_REQUEST_WAIT_SECONDS = 0.1
    sandbox.pay(reference)
    get_redis_connection("locks").set(f"payment_lock:{reference}", "another-process", px=60_000)

    answer = api.verify(reference)

    assert problem(answer) == (503, "payment_busy")
    assert answer["Retry-After"] == "1"
    assert api.balance() == "0.00"


def test_verify_with_the_gateway_away_is_unavailable(api, reference, gateway_away):
    with gateway_away():
        answer = api.verify(reference)

    assert problem(answer) == (503, "gateway_unavailable")
    assert int(answer["Retry-After"]) >= 1


@pytest.mark.parametrize("fault", ["timeout_before_accept", "http_500", "html_200", "not_json", "wrong_reference"])
def test_verify_without_a_usable_answer_is_unavailable(api, sandbox, reference, settings, fault):
    settings.PAYSTACK_READ_TIMEOUT_SECONDS = 0.3
    settings.PAYSTACK_CONNECT_TIMEOUT_SECONDS = 0.3
    sandbox.pay(reference)
    sandbox.script(operation="verify", fault=fault, times=3)

    answer = api.verify(reference)

    assert problem(answer) == (503, "gateway_unavailable")
    assert api.balance() == "0.00"


def test_verify_repeats_a_read_that_failed_once(api, sandbox, reference):
    sandbox.pay(reference)
    sandbox.script(operation="verify", fault="reset_before_accept")

    assert read(api.verify(reference))["status"] == "success"


@pytest.mark.django_db(transaction=True)
def test_verify_by_eight_requests_at_once_credits_once(api, sandbox, reference):
    sandbox.pay(reference)

    answers = run_together([lambda: api.verify(reference)] * 8)

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert {problem(answer) for answer in answers if answer.status_code == 503} <= {(503, "payment_busy")}
    assert {read(answer)["status"] for answer in answers if answer.status_code == 200} == {"success"}
    assert (Transaction.objects.count(), api.balance()) == (1, "25.00")
