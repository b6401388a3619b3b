import json

import pytest


def test_initialize_makes_a_page_and_counts_as_abandoned_until_paid(api, sandbox, initialize):
    answer = initialize()

    made = answer.json()["data"]
    row = api.get("/transaction/verify/nmk-1").json()["data"]
    assert answer.status_code == 200
    assert made["authorization_url"] == f"{sandbox.url}/checkout/{made['access_code']}"
    assert (row["status"], row["amount"], row["requested_amount"]) == ("abandoned", 250_000, 250_000)
    assert (row["fees"], row["paid_at"], row["authorization"], row["log"], row["metadata"]) == (
        None,
        None,
        {},
        None,
        "",
    )
    assert row["id"] > 2**32


@pytest.mark.parametrize("amount", [100, 100.0, "100"])
def test_initialize_takes_whole_amounts(initialize, sandbox, amount):
    initialize(amount=amount)

    assert [row["requested_amount_minor"] for row in sandbox.transactions()] == [100]


@pytest.mark.parametrize(
    ("changes", "message", "code"),
    [
        ({"email": None}, "Email Address is required", "missing_params"),
        ({"email": "nobody"}, "Invalid Email Address Passed", "invalid_email_address"),
        ({"email": 7}, "Invalid Email Address Passed", "invalid_email_address"),
        ({"amount": None}, "Amount is required", "missing_params"),
        ({"amount": 0}, "Invalid Amount Sent", None),
        ({"amount": "-5"}, "Invalid Amount Sent", None),
        ({"amount": 100.5}, '"amount" must be an integer', None),
        ({"amount": "100.50"}, '"amount" must be an integer', None),
        ({"amount": True}, '"amount" must be an integer', None),
        ({"amount": 10**18}, '"amount" must be an integer', None),
        ({"amount": [1]}, '"amount" must be an integer', None),
        ({"currency": "JPY"}, "Currency not supported by merchant", None),
        ({"reference": "a b"}, "Invalid character in transaction reference", None),
        ({"reference": 7}, "Invalid character in transaction reference", None),
        ({"callback_url": "/back"}, '"callback_url" must be a valid uri', None),
        ({"callback_url": "https://shop.example/\n"}, '"callback_url" must be a valid uri', None),
    ],
)
def test_initialize_refuses_what_paystack_refuses(initialize, sandbox, changes, message, code):
    answer = initialize(**changes)

    assert answer.status_code == 400
    assert (answer.json()["status"], answer.json()["message"], answer.json().get("code")) == (False, message, code)
    assert sandbox.transactions() == []


@pytest.mark.parametrize("channels", ["card", ["card", "cowries"]])
def test_initialize_refuses_unknown_channels(initialize, channels):
    answer = initialize(channels=channels)

    assert answer.json()["message"].startswith('"channels" must be an array of card, ')


def test_first_channel_of_an_order_is_the_one_it_is_paid_with(sandbox, initialize):
    initialize(channels=["mobile_money", "card"])

    assert sandbox.pay("nmk-1")["transaction"]["channel"] == "mobile_money"


@pytest.mark.parametrize("again", [{}, {"amount": 999}])
def test_initialize_refuses_a_reference_for_ever(sandbox, initialize, paid, again):
    answer = initialize(**again)

    assert (answer.status_code, answer.json()["code"]) == (400, "duplicate_reference")
    assert answer.json()["message"] == "Duplicate Transaction Reference"
    assert [row["amount_minor"] for row in sandbox.transactions()] == [250_000]


def test_initialize_makes_a_reference_where_none_is_given(initialize):
    made = initialize(reference=None).json()["data"]

    assert made["reference"].startswith("T")


def test_initialize_takes_a_form(api, sandbox):
    api.post("/transaction/initialize", data={"email": "ada@example.com", "amount": "100", "reference": "nmk-2"})

    assert [(row["reference"], row["currency"]) for row in sandbox.transactions()] == [("nmk-2", "NGN")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (json.dumps({"n": 42}), {"n": 42}),
        ({"n": 42, "deep": [1, True, None]}, {"n": "42", "deep": ["1", True, None]}),
        ("not json", "not json"),
        (None, ""),
    ],
)
def test_metadata_keeps_its_types_only_as_text(api, initialize, sent, kept):
    initialize(metadata=sent)

    assert api.get("/transaction/verify/nmk-1").json()["data"]["metadata"] == kept


@pytest.mark.parametrize("body", [b"{", b"[1]", b"[" * 100_000])
def test_initialize_refuses_what_is_no_object(api, body):
    answer = api.post("/transaction/initialize", content=body)

    assert answer.status_code == 400


@pytest.mark.parametrize("key", ["", "Bearer sk_test_other", "sk_test_local_simulator_key"])
def test_every_call_needs_the_secret_key(api, sandbox, initialize, key):
    answer = api.post("/transaction/initialize", json={}, headers={"Authorization": key})

    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (401, "invalid_Key", "Invalid key")
