"""The sandbox answers as Paystack documents it."""

import pytest

from .shapes import breaches, differences


@pytest.fixture
def paid(sandbox, api, order):
    """Return the sandbox's row of the documented payment, its fees borne by the payer."""
    api.post("/transaction/initialize", json=order)
    return sandbox.pay(order["reference"], fees_minor=47500, bearer="customer")["transaction"]


def test_initialize_answers_as_documented(api, order, documented):
    answer = api.post("/transaction/initialize", json=order)

    assert answer.status_code == 200
    assert differences(answer.json(), documented("initialize")) == []
    assert answer.json()["data"]["reference"] == order["reference"]


def test_verify_answers_as_documented(api, order, paid, documented):
    expected = documented("verify")
    expected["data"]["metadata"] = {}
    answer = api.get(f"/transaction/verify/{order['reference']}").json()
    metadata, answer["data"]["metadata"] = answer["data"]["metadata"], {}

    found = differences(answer, expected)

    assert found == []
    assert metadata["credits"] == "500"
    for name in ("status", "amount", "requested_amount", "fees", "currency", "channel", "domain", "gateway_response"):
        assert answer["data"][name] == expected["data"][name]


def test_create_refund_answers_as_documented(api, order, paid, documented):
    answer = api.post("/refund", json={"transaction": order["reference"], "amount": 1_000_000}).json()

    assert differences(answer, documented("create_refund")) == []
    assert answer["message"] == documented("create_refund")["message"]
    assert answer["data"]["status"] == "pending"


def test_missing_email_is_refused_as_documented(api, order, documented):
    answer = api.post("/transaction/initialize", json={**order, "email": ""})

    assert answer.status_code == 400
    assert differences(answer.json(), documented("error")) == []
    assert {name: answer.json()[name] for name in ("status", "message", "type", "code")} == {
        name: documented("error")[name] for name in ("status", "message", "type", "code")
    }


def test_lists_have_every_field_of_the_openapi_file(sandbox, api, order, paid, documented):
    fields = documented("openapi_fields")
    refund = api.post("/refund", json={"transaction": paid["id"], "amount": 1000}).json()["data"]
    dispute = sandbox.open_dispute(order["reference"])["dispute"]

    transactions = api.get("/transaction").json()["data"]
    refunds = api.get("/refund", params={"transaction": paid["id"]}).json()["data"]
    disputes = api.get("/dispute").json()["data"]

    assert [breaches(row, fields["TransactionListResponse"]) for row in transactions] == [[]]
    assert [breaches(row, fields["RefundListResponseArray"]) for row in refunds] == [[]]
    assert [breaches(row, fields["DisputeListResponseArray"]) for row in disputes] == [[]]
    assert [row["id"] for row in refunds + disputes] == [refund["id"], dispute["id"]]


def test_resolved_dispute_has_every_field_of_the_openapi_file(sandbox, api, order, paid, documented):
    dispute = sandbox.open_dispute(order["reference"])["dispute"]

    answer = api.put(
        f"/dispute/{dispute['id']}/resolve",
        json={"resolution": "merchant-accepted", "message": "Sorry", "refund_amount": 1000, "uploaded_filename": "x"},
    ).json()

    assert breaches(answer["data"], documented("openapi_fields")["DisputeResolveResponse"]) == []


def test_differences_names_missing_unknown_and_mistyped_fields():
    found = differences({"a": 1, "b": {"c": "1"}, "x": 1}, {"a": 1, "b": {"c": 1}, "d": 2})

    assert found == [".b.c: str instead of int", ".d: missing", ".x: not documented"]


def test_breaches_names_missing_and_mistyped_fields():
    found = breaches({"id": "7", "note": None}, {"id": "integer", "note": "string", "status": "string"})

    assert found == ["id: str instead of integer", "status: missing"]
