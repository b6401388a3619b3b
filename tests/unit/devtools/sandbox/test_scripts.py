import pytest

from devtools.sandbox.refusals import Refusal


def statuses(api, *paths):
    return [api.get(path).status_code for path in paths]


def test_scripts_of_one_call_are_played_in_order(api, page, sandbox):
    sandbox.script(operation="verify", fault="http_500", times=2)
    sandbox.script(operation="verify", fault="http_503")

    assert statuses(api, *["/transaction/verify/nmk-1"] * 4) == [500, 500, 503, 200]


def test_script_without_end_lasts_until_cleared(api, page, sandbox):
    sandbox.script(operation="verify", fault="http_500", times=None)

    during = statuses(api, *["/transaction/verify/nmk-1"] * 3)
    api.delete("/sandbox/scripts")

    assert (during, statuses(api, "/transaction/verify/nmk-1")) == ([500, 500, 500], [200])


def test_script_for_an_operation_leaves_the_others_alone(api, page, sandbox):
    sandbox.script(operation="list", fault="http_500", times=None)

    assert statuses(api, "/transaction/verify/nmk-1", "/refund", "/transaction") == [200, 200, 500]


def test_script_for_a_reference_finds_it_wherever_it_stands(api, initialize, sandbox, paid):
    refund = api.post("/refund", json={"transaction": "nmk-1", "amount": 1000}).json()["data"]["id"]
    dispute = sandbox.open_dispute("nmk-1")["dispute"]["id"]
    initialize(reference="nmk-2")
    sandbox.script(operation="any", fault="http_500", reference="nmk-1", times=None)
    number = paid["id"]

    hit = [
        initialize().status_code,
        api.post("/refund", json={"transaction": "nmk-1"}).status_code,
        api.post("/refund", json={"transaction": number}).status_code,
        *statuses(
            api,
            "/transaction/verify/nmk-1",
            f"/transaction/{number}",
            f"/refund?transaction={number}",
            f"/refund/{refund}",
            f"/dispute/{dispute}",
            f"/dispute/transaction/{number}",
        ),
    ]
    missed = [
        *statuses(api, "/transaction/verify/nmk-2", "/transaction", "/refund/1", "/dispute/1"),
        api.post("/refund", content=b"{").status_code,
    ]

    assert hit == [500] * 9
    assert missed == [200, 200, 404, 404, 400]


def test_script_over_http_says_once_unless_told(api, page):
    made = api.post("/sandbox/scripts", json={"operation": "verify", "fault": "drip", "pause_milliseconds": 5})
    for_ever = api.post("/sandbox/scripts", json={"operation": "verify", "fault": "http_500", "times": None})

    assert made.status_code == 201
    assert made.json() == {
        "id": 1,
        "operation": "verify",
        "fault": "drip",
        "reference": None,
        "times": 1,
        "options": {"pause_milliseconds": 5},
    }
    assert api.get("/sandbox/scripts").json() == {"scripts": [made.json(), for_ever.json()]}
    assert for_ever.json()["times"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operation": "pray"}, "Unknown operation 'pray'; there are initialize, "),
        ({"fault": "gremlins"}, "Unknown fault 'gremlins'; there are drip, "),
        ({"times": 0}, "times must be at least 1, or null for every call"),
        ({"speed": 1}, "http_500 has no option 'speed'; it has none"),
        ({"fault": "drip", "speed": 1}, "drip has no option 'speed'; it has pause_milliseconds"),
        ({"fault": "rejected", "code": 1}, "code of rejected must be of type str"),
        ({"fault": None}, "fault is required"),
        ({"reference": 1}, "reference must be text"),
        ({"times": True}, "times must be a whole number"),
    ],
)
def test_script_is_refused(api, changes, message):
    answer = api.post("/sandbox/scripts", json={"operation": "verify", "fault": "http_500", **changes})

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)
    assert api.get("/sandbox/scripts").json() == {"scripts": []}


def test_whole_seconds_are_seconds(sandbox):
    script = sandbox.script(operation="verify", fault="timeout_before_accept", seconds=2)

    assert script["options"] == {"seconds": 2}


@pytest.mark.parametrize(
    ("operation", "fault"), [("webhook", "http_500"), ("verify", "never_sent"), ("any", "sent_late")]
)
def test_fault_of_calls_and_of_sendings_are_not_mixed_up(sandbox, operation, fault):
    with pytest.raises(Refusal, match=f"Unknown fault '{fault}'"):
        sandbox.script(operation=operation, fault=fault)
