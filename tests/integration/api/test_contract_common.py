"""Section 1 of the contract at every address: who may ask, how, where, and what every answer looks like."""

import re
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest

from tests.factories.snapshots import take_snapshot
from tests.integration.api.clients import (
    BALANCE,
    DEBITS,
    IDEMPOTENCY,
    INITIALIZE,
    LIMITS,
    OWN_DEBIT,
    OWN_KEY,
    OWN_PAYMENT,
    PAYMENTS,
    QUOTE,
    SUMMARY,
    TRANSACTIONS,
    VERIFY,
    list_routes,
    problem,
    read,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

GETS = [
    PAYMENTS,
    f"{PAYMENTS}/{OWN_PAYMENT}",
    QUOTE,
    BALANCE,
    TRANSACTIONS,
    SUMMARY,
    LIMITS,
    f"{IDEMPOTENCY}/{OWN_KEY}",
]
POSTS = [INITIALIZE, VERIFY, f"{PAYMENTS}/{OWN_PAYMENT}/refunds", DEBITS, f"{DEBITS}/{OWN_DEBIT}/reverse"]
ADDRESSES = [*(("GET", path) for path in GETS), *(("POST", path) for path in POSTS)]
NO_KEYS = [None, "", "Bearer", "Bearer " + "0" * 64, "Bearer " + "x" * 8192, "Basic YTpi", "\x00", "é"]
NO_JSON = ["text/html", "text/*", "application/xml", "image/*", "application/problem+json", "\x00", "x" * 8192]
NO_REQUEST_IDS = ["", "7", "x" * 8192, "\x00", "é", f"{OWN_KEY}, {OWN_KEY}", f"{OWN_KEY}\r\nX-Injected: 1"]
OVERRIDES = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
IDLE_HEADERS = ["User-Agent", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto", "Referer", "X-Unknown"]


def _send(caller, method, path, **headers):
    """Send a request without a body, with a key where that is asked for."""
    own = {**caller._headers(), "Idempotency-Key": str(uuid4()), **headers}
    given = {name: value for name, value in own.items() if value is not None}
    query = "amount_usd=25.00" if path == QUOTE else ""
    # An address that begins with two slashes would be read as one with a host.
    return caller.http.generic(method, "/", headers=given, PATH_INFO=unquote(path), QUERY_STRING=query)


def test_every_address_is_asked():
    own_ids = {f"{PAYMENTS}/": OWN_PAYMENT, f"{IDEMPOTENCY}/": OWN_KEY, f"{DEBITS}/": OWN_DEBIT}

    served = {
        (route.method, re.sub(r"(.*/)<.*>", lambda found: found[1] + own_ids[found[1]], route.path))
        for route in list_routes()
    }

    assert served == set(ADDRESSES)


at_every_address = pytest.mark.parametrize(("method", "path"), ADDRESSES)


@at_every_address
def test_without_a_key_of_ours_an_address_is_401(caller, method, path):
    before = take_snapshot()

    answers = [_send(caller, method, path, Authorization=header) for header in NO_KEYS]

    assert {problem(answer) for answer in answers} == {(401, "not_authenticated")}
    assert {answer["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert take_snapshot() == before


@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_another_method_is_405(caller, path):
    others = ["OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "FOO", "GET" if path in POSTS else "POST"]
    before = take_snapshot()

    answers = [_send(caller, method, path) for method in others]

    assert {problem(answer) for answer in answers} == {(405, "method_not_allowed")}
    assert {answer["Allow"] for answer in answers} == {"POST" if path in POSTS else "GET, HEAD"}
    assert take_snapshot() == before


@at_every_address
def test_a_header_does_not_change_the_method(caller, method, path):
    wrong, right = ("GET", "POST") if method == "POST" else ("POST", "GET")

    answers = [_send(caller, wrong, path, **{name: right}) for name in OVERRIDES]

    assert {problem(answer) for answer in answers} == {(405, "method_not_allowed")}


@pytest.mark.parametrize(("path", "status"), [(path, 200) for path in GETS] + [(path, 405) for path in POSTS])
def test_head_is_answered_as_get_without_its_body(caller, path, status):
    answer = _send(caller, "HEAD", path)

    assert (answer.status_code, answer.content) == (status, b"")


@at_every_address
def test_an_address_written_otherwise_is_404_and_no_redirect(caller, method, path):
    forms = [f"{path}/", f"{path}//", f"/{path}", f"//{path}"]
    forms += [path.replace("/v1", "//v1"), path.replace("/v1/", "/v1//"), path.replace("v1", "v2")]
    before = take_snapshot()

    answers = [_send(caller, method, form) for form in forms]

    assert {problem(answer) for answer in answers} == {(404, "not_found")}
    assert take_snapshot() == before


@at_every_address
def test_only_json_is_answered(caller, method, path):
    before = take_snapshot()

    answers = [_send(caller, method, path, Accept=accept) for accept in NO_JSON]

    assert {problem(answer) for answer in answers} == {(406, "not_acceptable")}
    assert take_snapshot() == before


@at_every_address
def test_the_request_id_of_the_client_is_on_the_answer(caller, method, path):
    answer = _send(caller, method, path, **{"X-Request-ID": OWN_KEY.upper()})

    assert answer["X-Request-ID"] == OWN_KEY
    assert read(answer).get("request_id", OWN_KEY) == OWN_KEY


@at_every_address
def test_a_request_id_that_is_no_uuid_is_replaced(caller, method, path):
    answers = [_send(caller, method, path, **{"X-Request-ID": given}) for given in NO_REQUEST_IDS]

    made = [answer["X-Request-ID"] for answer in answers]
    assert [str(UUID(request_id)) for request_id in made] == made
    assert len(set(made)) == len(NO_REQUEST_IDS)
    assert not any("X-Injected" in answer for answer in answers)


@at_every_address
def test_a_header_of_8_kib_that_says_nothing_to_us_changes_nothing(caller, method, path):
    usual = _send(caller, method, path)

    answers = [_send(caller, method, path, **{name: "x" * 8192}) for name in IDLE_HEADERS]

    assert {answer.status_code for answer in answers} == {usual.status_code}
    assert {frozenset(answer.headers) for answer in answers} == {frozenset(usual.headers)}


@pytest.mark.parametrize("path", POSTS)
def test_a_field_that_nobody_knows_is_refused(caller, path):
    answer = caller.post(path, {"amuont": "25.00"}, key=uuid4())

    assert problem(answer) == (400, "validation_error")
    assert [(error["field"], error["code"]) for error in read(answer)["errors"]] == [("amuont", "unknown_field")]
