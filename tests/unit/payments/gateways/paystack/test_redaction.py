import json

from hypothesis import given, settings

from payments.gateways.paystack.redaction import redact

from .test_parsing import JSON

VERIFIED = {
    "status": True,
    "message": "Verification successful",
    "data": {
        "id": 5873310462,
        "domain": "test",
        "status": "success",
        "reference": "nmk-01k9q",
        "amount": 2547500,
        "requested_amount": 2500000,
        "fees": 47500,
        "currency": "NGN",
        "channel": "card",
        "paid_at": "2026-11-04T14:22:37.000Z",
        "gateway_response": "Successful",
        "ip_address": "197.210.64.18",
        "metadata": {"status": "secret", "note": "secret"},
        "log": {"history": [{"message": "secret"}]},
        "authorization": {"authorization_code": "AUTH_secret", "last4": "4081", "channel": "card"},
        "customer": {"id": 1, "email": "secret@example.com"},
        "access_code": "secret",
        "authorization_url": "https://checkout.paystack.com/secret",
        "a_field_to_come": "secret",
    },
}


def test_redact_verified_transaction():
    assert redact(VERIFIED) == {
        "status": True,
        "message": "Verification successful",
        "data": {
            "id": 5873310462,
            "domain": "test",
            "status": "success",
            "reference": "nmk-01k9q",
            "amount": 2547500,
            "requested_amount": 2500000,
            "fees": 47500,
            "currency": "NGN",
            "channel": "card",
            "paid_at": "2026-11-04T14:22:37.000Z",
            "gateway_response": "Successful",
        },
    }


def test_redact_refund_keeps_its_transaction():
    refund = {
        "id": 18633077,
        "status": "pending",
        "amount": 1000000,
        "merchant_note": "rfd-01",
        "refunded_by": "secret@example.com",
        "transaction": {"id": 5873310462, "reference": "nmk-01k9q", "customer": {"email": "secret@example.com"}},
    }

    assert redact({"data": refund}) == {
        "data": {
            "id": 18633077,
            "status": "pending",
            "amount": 1000000,
            "merchant_note": "rfd-01",
            "transaction": {"id": 5873310462, "reference": "nmk-01k9q"},
        }
    }


def test_redact_list_keeps_fifty_rows():
    rows = [{"id": number, "transaction": 7, "customer": "secret"} for number in range(60)]

    assert redact({"data": rows}) == {"data": [{"id": number, "transaction": 7} for number in range(50)]}


def test_redact_texts_are_cut_and_cleaned():
    assert redact({"message": "\x00\ud800" + "x" * 400}) == {"message": "x" * 300}


def test_redact_infinity_is_dropped():
    assert redact({"data": {"amount": float("inf"), "fees": float("nan"), "id": 1.5}}) == {"data": {"id": 1.5}}


def test_redact_values_where_a_scalar_belongs_are_dropped():
    assert redact({"status": {"a": 1}, "message": ["a"], "data": "secret"}) == {}


def test_redact_depth_is_bounded():
    nested: dict = {}
    for _ in range(5000):
        nested = {"data": nested, "transaction": nested}

    assert redact(nested) == {"data": {"transaction": {}}}


@settings(deadline=None)
@given(JSON)
def test_redact_is_always_storable(answer):
    stored = json.dumps(
        redact({"message": answer, "data": {"status": answer, "id": answer}}), allow_nan=False, ensure_ascii=False
    )

    assert "\\u0000" not in stored
    assert stored.encode("utf-8").decode("utf-8") == stored
