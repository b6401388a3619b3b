import pytest


@pytest.fixture
def dispute(sandbox, paid):
    return sandbox.open_dispute("nmk-1")["dispute"]


@pytest.fixture
def resolve(api, dispute):
    def ask(**changes):
        body = {"resolution": "declined", "message": "Delivered", "refund_amount": 0, "uploaded_filename": "proof.pdf"}
        return api.put(f"/dispute/{dispute['id']}/resolve", json={**body, **changes})

    return ask


def test_dispute_can_be_listed_and_fetched(api, paid, dispute):
    listed = api.get("/dispute", params={"transaction": paid["id"], "status": "awaiting-merchant-feedback"}).json()
    fetched = api.get(f"/dispute/{dispute['id']}").json()["data"]
    of_transaction = api.get(f"/dispute/transaction/{paid['id']}").json()["data"]
    resolved = api.get("/dispute", params={"status": "resolved"}).json()["data"]

    assert [row["id"] for row in listed["data"]] == [dispute["id"]]
    assert listed["meta"]["total"] == 1
    assert (fetched["refund_amount"], fetched["transaction"]["reference"]) == (250_000, "nmk-1")
    assert of_transaction == fetched
    assert resolved == []
    assert api.get("/dispute/1").status_code == 404


def test_declined_dispute_leaves_the_money(api, resolve):
    answer = resolve().json()["data"]

    assert (answer["status"], answer["resolution"], answer["message"]["body"]) == ("resolved", "declined", "Delivered")
    assert api.get("/transaction/verify/nmk-1").json()["data"]["status"] == "success"


@pytest.mark.parametrize(("amount", "status"), [(250_000, "reversed"), (1000, "reversal-pending")])
def test_accepted_dispute_takes_the_money(api, resolve, amount, status):
    resolve(resolution="merchant-accepted", refund_amount=amount)

    assert api.get("/transaction/verify/nmk-1").json()["data"]["status"] == status


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"message": ""}, '"message" is required'),
        ({"resolution": "auto-accepted"}, '"resolution" must be one of [merchant-accepted, declined]'),
    ],
)
def test_resolution_is_refused(resolve, changes, message):
    answer = resolve(**changes)

    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_dispute_is_resolved_once(resolve):
    resolve()

    again = resolve(resolution="merchant-accepted", refund_amount=1)

    assert (again.status_code, again.json()["message"]) == (409, "Dispute has been resolved already")


def test_unpaid_transaction_cannot_be_disputed(api, page):
    answer = api.post("/sandbox/disputes", json={"reference": "nmk-1"})

    assert (answer.status_code, answer.json()["message"]) == (400, "Transaction has not been paid")
