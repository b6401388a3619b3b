import pytest


@pytest.fixture
def three(sandbox, initialize):
    """Three transactions of two customers, the second one paid."""
    for number, email in enumerate(["ada@example.com", "ada@example.com", "bo@example.com"], start=1):
        initialize(reference=f"nmk-{number}", email=email, amount=number * 1000)
    sandbox.pay("nmk-2")
    return list(reversed(sandbox.transactions()))


def references(answer):
    return [row["reference"] for row in answer.json()["data"]]


def test_verify_tells_what_was_paid(api, sandbox, initialize):
    initialize()
    sandbox.pay("nmk-1", channel="mobile_money")

    row = api.get("/transaction/verify/nmk-1").json()["data"]

    assert (row["status"], row["amount"], row["fees"]) == ("success", 250_000, 3750)
    assert row["gateway_response"] == "Successful"
    assert (row["channel"], row["authorization"]["channel"], row["authorization"]["bin"]) == (
        "mobile_money",
        "mobile_money",
        None,
    )
    assert (row["log"]["attempts"], row["log"]["errors"], row["log"]["success"]) == (1, 0, True)
    assert row["paid_at"] == row["paidAt"]


def test_verify_of_an_unknown_reference_is_a_refusal_with_a_code(api):
    answer = api.get("/transaction/verify/nmk-unknown")

    assert (answer.status_code, answer.json()["code"]) == (400, "transaction_not_found")
    assert answer.json()["message"] == "Transaction reference not found."


def test_verify_decodes_the_reference(api, initialize):
    initialize(reference="a=b.c")

    assert api.get("/transaction/verify/a%3Db.c").json()["data"]["reference"] == "a=b.c"


def test_fetch_knows_paystacks_number_only(api, three):
    answer = api.get(f"/transaction/{three[0]['id']}")
    unknown = api.get("/transaction/1")

    assert answer.json()["data"]["reference"] == "nmk-1"
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Transaction not found")


def test_list_is_newest_first_and_says_how_much_there_is(api, three):
    answer = api.get("/transaction", params={"perPage": 2, "page": 2})

    assert references(answer) == ["nmk-1"]
    assert answer.json()["meta"] == {
        "total": 3,
        "total_volume": 6000,
        "skipped": 2,
        "perPage": 2,
        "page": 2,
        "pageCount": 2,
    }


def test_list_without_paging_has_pages_of_fifty(api, three):
    meta = api.get("/transaction", params={"perPage": "many", "page": "-1"}).json()["meta"]

    assert (meta["perPage"], meta["page"]) == (50, 1)


def test_list_filters(api, three):
    customer = three[0]["customer_id"]

    found = {
        "status": references(api.get("/transaction", params={"status": "success"})),
        "customer": references(api.get("/transaction", params={"customer": customer})),
        "customer code": references(api.get("/transaction", params={"customer": "CUS_x"})),
        "amount": references(api.get("/transaction", params={"amount": 3000})),
    }

    assert found == {"status": ["nmk-2"], "customer": ["nmk-2", "nmk-1"], "customer code": [], "amount": ["nmk-3"]}


def test_list_filters_by_time_to_the_millisecond_or_day(api, three):
    moment = three[1]["created_at"]
    day = moment[:10]

    from_moment = references(api.get("/transaction", params={"from": moment}))
    to_moment = references(api.get("/transaction", params={"to": moment}))
    one_day = references(api.get("/transaction", params={"from": day, "to": day}))
    before = references(api.get("/transaction", params={"to": "2016-09-21"}))

    assert set(from_moment) >= {"nmk-2", "nmk-3"}
    assert set(to_moment) >= {"nmk-1", "nmk-2"}
    assert set(from_moment) & set(to_moment) == {row["reference"] for row in three if row["created_at"] == moment}
    assert (len(one_day), before) == (3, [])


def test_list_refuses_a_date_that_is_none(api):
    answer = api.get("/transaction", params={"from": "yesterday"})

    assert (answer.status_code, answer.json()["message"]) == (400, '"from" must be a valid date')


def test_unknown_path_is_not_found(api):
    answer = api.get("/nothing")

    assert (answer.status_code, answer.json()["status"]) == (404, False)
