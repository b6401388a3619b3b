"""The same key again: the first answer, or why not."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from namaskah.idempotency.claims import claim_key
from payments.models import GatewayCall, PaymentLog
from tests.factories.payments import GatewayCallFactory, PaymentFactory
from tests.integration.api.clients import INITIALIZE, problem, read
from tests.unit.namaskah.idempotency.steps import LEASE_SECONDS, stay_silent

pytestmark = pytest.mark.django_db


@pytest.fixture
def key():
    return uuid4()


def test_the_same_request_again_is_answered_byte_for_byte(api, sandbox, key):
    first = api.initialize(key=key)

    again = api.initialize(key=key)

    assert (again.status_code, again.content, again["Content-Type"]) == (201, first.content, first["Content-Type"])
    assert (first.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")
    assert again["Idempotency-Expires"] == first["Idempotency-Expires"]
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert PaymentLog.objects.count() == 1


def test_the_answer_of_a_paid_purchase_is_still_the_first_one(api, sandbox, key):
    first = api.initialize(key=key)
    sandbox.pay(read(first)["reference"])
    api.verify(read(first)["reference"])

    again = api.initialize(key=key)

    assert (read(again)["state"], read(again)["authorization_url"]) == (
        "processing",
        read(first)["authorization_url"],
    )


@pytest.mark.parametrize("form", ['"{}"', "{}"])
def test_quoted_and_bare_are_the_same_key(api, sandbox, key, form):
    first = api.initialize(key=key)

    again = api.initialize(key=form.format(str(key).upper()))

    assert again.content == first.content


def test_the_order_of_the_fields_and_blanks_do_not_matter(api, sandbox, key):
    first = api.post(INITIALIZE, b'{"amount_usd": "25.00", "currency": "NGN"}', key=key)

    again = api.post(INITIALIZE, b' {"currency":"NGN",\n"amount_usd":25.0} ', key=key)

    assert (again.status_code, again.content) == (201, first.content)


def test_another_request_under_the_key_names_the_fields_that_differ(api, sandbox, key):
    api.initialize(key=key, currency="NGN")

    answer = api.initialize(key=key, amount_usd="26.00", channels=["card"])

    assert problem(answer) == (422, "idempotency_key_reused")
    assert [error["field"] for error in read(answer)["errors"]] == ["amount_usd", "channels", "currency"]
    assert PaymentLog.objects.count() == 1


def test_another_users_same_key_is_another_purchase(api, other_api, sandbox, key):
    first = api.initialize(key=key)

    second = other_api.initialize(key=key, amount_usd="30.00")

    assert (first.status_code, second.status_code) == (201, 201)
    assert read(second)["reference"] != read(first)["reference"]
    assert [payment.user_id for payment in PaymentLog.objects.order_by("id")] == [api.user.pk, other_api.user.pk]


@pytest.fixture
def died(api, key):
    """The rows of a process that was killed after it had committed the payment."""
    held = claim_key(
        user=api.user,
        key=key,
        method="POST",
        route=INITIALIZE,
        body={"amount_usd": Decimal("25.00")},
        now=timezone.now(),
    )
    payment = PaymentFactory(user=api.user, idempotency_key=key)
    held.advance("payment_created", resource=payment.reference)
    return payment


def test_a_key_of_a_request_that_runs_is_in_progress(api, sandbox, key, died):
    answer = api.initialize(key=key)

    assert problem(answer) == (409, "request_in_progress")
    assert answer["Retry-After"] == "1"


def test_a_key_of_a_request_that_died_is_taken_over_and_gone_on_with(api, sandbox, key, died):
    stay_silent(key, seconds=LEASE_SECONDS + 1)

    answer = api.initialize(key=key)

    assert (answer.status_code, read(answer)["reference"]) == (201, died.reference)
    assert list(GatewayCall.objects.values_list("operation", "outcome")) == [("initialize", "answered")]


def test_a_key_of_a_request_that_died_during_its_call_is_looked_up_first(api, sandbox, key, died):
    GatewayCallFactory(payment=died, operation="initialize", reference=died.reference)
    stay_silent(key, seconds=LEASE_SECONDS + 1)

    answer = api.initialize(key=key)

    assert (answer.status_code, read(answer)["reference"]) == (201, died.reference)
    assert list(GatewayCall.objects.order_by("id").values_list("operation", "outcome")) == [
        ("initialize", "open"),
        ("verify", "answered"),
        ("initialize", "answered"),
    ]


def test_a_key_after_its_expiry_names_the_payment(api, sandbox, key):
    first = api.initialize(key=key)

    with time_machine.travel(timezone.now() + timedelta(hours=72, seconds=1)):
        answer = api.initialize(key=key)

    assert problem(answer) == (409, "idempotency_key_expired")
    assert read(first)["reference"] in read(answer)["detail"]


@pytest.mark.parametrize("refused", [{"amount_usd": "1"}, {"currency": "KES"}])
def test_every_answer_under_a_known_key_tells_until_when_it_is_known(api, sandbox, key, refused):
    first = api.initialize(key=key)

    answer = api.initialize(key=key, **refused)

    assert answer.status_code in {400, 422}
    assert answer["Idempotency-Expires"] == first["Idempotency-Expires"]


def test_a_key_that_is_not_known_has_no_expiry(api, sandbox, key):
    assert "Idempotency-Expires" not in api.initialize(key=key, amount_usd="1")


def test_a_stored_problem_keeps_its_first_request_id(api, sandbox, key):
    sandbox.script(operation="initialize", fault="rejected")
    first = api.initialize(key=key)

    again = api.initialize(key=key)

    assert read(again)["request_id"] == first["X-Request-ID"]
    assert UUID(again["X-Request-ID"]) != UUID(first["X-Request-ID"])
