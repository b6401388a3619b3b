import json
from datetime import UTC, datetime

import pytest

from namaskah.errors import (
    GatewayMisconfiguredError,
    GatewayOutcomeUnknownError,
    GatewayRejectedError,
    GatewayUnavailableError,
)
from payments.gateways.paystack import transactions
from payments.gateways.paystack.transactions import DuplicateReferenceError, FoundTransaction, InitializedTransaction
from payments.models.evidence import Evidence

from .scripted_gateway import answer

REFERENCE = "nmk-01k9qz7x2m"
INITIALIZED = {
    "status": True,
    "message": "Authorization URL created",
    "data": {
        "authorization_url": "https://checkout.paystack.com/9qk2v7x1m4tz8bd",
        "access_code": "9qk2v7x1m4tz8bd",
        "reference": REFERENCE,
    },
}
VERIFIED = {
    "status": True,
    "message": "Verification successful",
    "data": {
        "id": 5873310462,
        "domain": "test",
        "status": "success",
        "reference": REFERENCE,
        "amount": 2547500,
        "gateway_response": "Successful",
        "paid_at": "2026-11-04T14:22:37.000Z",
        "channel": "card",
        "currency": "NGN",
        "metadata": "",
        "log": None,
        "fees": 47500,
        "authorization": {"authorization_code": "AUTH_p7c3n1v8ye"},
        "customer": {"email": "ade.olanrewaju@example.com"},
        "requested_amount": 2500000,
    },
}
NOT_FOUND = {
    "status": False,
    "message": "Transaction reference not found.",
    "meta": {"nextStep": "Ensure that you pass a valid reference"},
    "type": "validation_error",
    "code": "transaction_not_found",
}


def initialize(**changes):
    request = {"email": "ade@example.com", "amount_minor": 2500000, "currency": "NGN", "reference": REFERENCE}
    return transactions.initialize_transaction(**(request | changes))


def initialized_with(**changes):
    return answer(200, {**INITIALIZED, "data": {**INITIALIZED["data"], **changes}})


def test_initialize_transaction_returns_the_page_and_the_redacted_answer(gateway):
    gateway.play(answer(200, INITIALIZED))

    initialized = initialize()

    assert initialized == InitializedTransaction(
        authorization_url="https://checkout.paystack.com/9qk2v7x1m4tz8bd",
        access_code="9qk2v7x1m4tz8bd",
        answer={
            "http_status": 200,
            "status": True,
            "message": "Authorization URL created",
            "data": {"reference": REFERENCE},
        },
    )


def test_initialize_transaction_sends_what_is_asked(gateway):
    gateway.play(answer(200, INITIALIZED))

    initialize(
        callback_url="https://shop.example.com/back",
        channels=("card", "ussd"),
        metadata={"cancel_action": "x", "n": 42},
    )

    [request] = gateway.requests
    body = json.loads(request.body)
    assert (request.method, request.path) == ("POST", "/transaction/initialize")
    assert request.headers["authorization"] == "Bearer sk_test_local_simulator_key"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(body.pop("metadata")) == {"cancel_action": "x", "n": 42}
    assert body == {
        "email": "ade@example.com",
        "amount": 2500000,
        "currency": "NGN",
        "reference": REFERENCE,
        "callback_url": "https://shop.example.com/back",
        "channels": ["card", "ussd"],
    }


def test_initialize_transaction_leaves_out_what_is_not_given(gateway):
    gateway.play(answer(200, INITIALIZED))

    initialize()

    assert json.loads(gateway.requests[0].body) == {
        "email": "ade@example.com",
        "amount": 2500000,
        "currency": "NGN",
        "reference": REFERENCE,
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"reference": "nmk-another"}, id="other reference"),
        pytest.param({"reference": None}, id="no reference"),
        pytest.param({"authorization_url": None}, id="no url"),
        pytest.param({"authorization_url": ""}, id="empty url"),
        pytest.param({"authorization_url": "javascript:alert(1)"}, id="script url"),
        pytest.param({"authorization_url": "https://a.example/\x00"}, id="url with NUL"),
        pytest.param({"authorization_url": "https://a.example/" + "a" * 300}, id="long url"),
        pytest.param({"access_code": 7}, id="access code no text"),
        pytest.param({"access_code": "a" * 101}, id="long access code"),
    ],
)
def test_initialize_transaction_unusable_data_is_outcome_unknown(gateway, changes):
    gateway.play(initialized_with(**changes))

    with pytest.raises(GatewayOutcomeUnknownError):
        initialize()


@pytest.mark.parametrize("data", [None, [], "text", 1, {}])
def test_initialize_transaction_data_of_another_shape_is_outcome_unknown(gateway, data):
    gateway.play(answer(200, {**INITIALIZED, "data": data}))

    with pytest.raises(GatewayOutcomeUnknownError):
        initialize()


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(
            {"message": "Duplicate Transaction Reference", "code": "duplicate_reference"}, id="code and message"
        ),
        pytest.param({"message": "Gibt es schon", "code": "duplicate_reference"}, id="code"),
        pytest.param({"message": "Duplicate Transaction Reference."}, id="message"),
    ],
)
def test_initialize_transaction_duplicate_reference(gateway, refusal):
    gateway.play(answer(400, {"status": False, **refusal}))

    with pytest.raises(DuplicateReferenceError) as error:
        initialize()

    assert error.value.code == "gateway_rejected"
    assert error.value.gateway_code == refusal.get("code", "")
    assert error.value.answer == {"http_status": 400, "status": False, **refusal}


def test_initialize_transaction_code_outweighs_the_message(gateway):
    refusal = {"status": False, "message": "Duplicate Transaction Reference", "code": "invalid_params"}
    gateway.play(answer(400, refusal))

    with pytest.raises(GatewayRejectedError) as error:
        initialize()

    assert not isinstance(error.value, DuplicateReferenceError)


def test_initialize_transaction_refused(gateway):
    refusal = {"status": False, "message": "Invalid Email Address Passed", "code": "invalid_email_address"}
    gateway.play(answer(400, refusal))

    with pytest.raises(GatewayRejectedError) as error:
        initialize()

    assert error.value.detail == "Invalid Email Address Passed"
    assert error.value.gateway_code == "invalid_email_address"


def test_find_transaction_returns_the_evidence_and_the_redacted_answer(gateway):
    gateway.play(answer(200, VERIFIED))

    found = transactions.find_transaction(REFERENCE)

    assert found.evidence == Evidence(
        reference=REFERENCE,
        status="success",
        domain="test",
        currency="NGN",
        amount_minor=2547500,
        requested_amount_minor=2500000,
        fees_minor=47500,
        gateway_transaction_id=5873310462,
        channel="card",
        paid_at=datetime(2026, 11, 4, 14, 22, 37, tzinfo=UTC),
        gateway_response="Successful",
    )
    assert found.answer == {
        "http_status": 200,
        "status": True,
        "message": "Verification successful",
        "data": {
            key: value
            for key, value in VERIFIED["data"].items()
            if key not in {"metadata", "log", "authorization", "customer"}
        },
    }


@pytest.mark.parametrize("status", [400, 404])
def test_find_transaction_unknown_reference(gateway, status):
    gateway.play(answer(status, NOT_FOUND))

    found = transactions.find_transaction(REFERENCE)

    assert found == FoundTransaction(
        evidence=None,
        answer={
            "http_status": status,
            "status": False,
            "message": "Transaction reference not found.",
            "type": "validation_error",
            "code": "transaction_not_found",
        },
    )


def test_find_transaction_unknown_reference_told_by_message_alone(gateway):
    gateway.play(answer(400, {"status": False, "message": "Transaction reference not found"}))

    assert transactions.find_transaction(REFERENCE).evidence is None


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param({"message": "Transaction reference not found", "code": "api_down"}, id="other code"),
        pytest.param({"message": "Not found"}, id="other message"),
        pytest.param({}, id="no message"),
    ],
)
def test_find_transaction_other_refusal_is_not_taken_for_unknown(gateway, refusal):
    gateway.play(answer(404, {"status": False, **refusal}))

    with pytest.raises(GatewayRejectedError):
        transactions.find_transaction(REFERENCE)


def test_find_transaction_other_reference_is_no_answer(gateway):
    gateway.play(answer(200, {**VERIFIED, "data": {**VERIFIED["data"], "reference": "nmk-another"}}))

    with pytest.raises(GatewayUnavailableError):
        transactions.find_transaction(REFERENCE)


@pytest.mark.parametrize("data", [None, [], "text", {}])
def test_find_transaction_data_of_another_shape_is_no_answer(gateway, data):
    gateway.play(answer(200, {**VERIFIED, "data": data}))

    with pytest.raises(GatewayUnavailableError):
        transactions.find_transaction(REFERENCE)


def test_find_transaction_wrong_key(gateway):
    gateway.play(answer(401, {"status": False, "message": "Invalid key", "code": "invalid_Key"}))

    with pytest.raises(GatewayMisconfiguredError):
        transactions.find_transaction(REFERENCE)


def test_find_transaction_reference_cannot_leave_its_place_in_the_path(gateway):
    gateway.play(answer(400, NOT_FOUND))

    transactions.find_transaction("a/../../refund?x=1#y %2f")

    assert gateway.requests[0].path == "/transaction/verify/a%2F..%2F..%2Frefund%3Fx%3D1%23y%20%252f"
