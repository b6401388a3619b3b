import json
from uuid import uuid4

import httpx
import pytest

from namaskah.idempotency.models import IdempotencyKey
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory
from tests.integration import actors
from tests.unit.namaskah.idempotency import keyed_views

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(keyed_views.__name__)]


@pytest.fixture(autouse=True)
def _count_from_nothing():
    keyed_views.worked.clear()


@pytest.fixture
def send(live_server):
    """Return a function that sends a request over HTTP; what it is told replaces the request's parts."""
    key, (_, secret) = str(uuid4()), make_api_key(UserFactory())

    def send_it(path="/api/transfers/a", *, method="POST", headers=None, **content):
        body = content or {"json": {"amount_usd": "25.00"}}
        own = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key, "Content-Type": "application/json"}
        kept = {name: value for name, value in {**own, **(headers or {})}.items() if value is not None}
        return httpx.request(method, live_server.url + path, headers=kept, trust_env=False, **body)

    return send_it


def test_the_work_is_done_once_and_its_answer_given_again_byte_for_byte(send):
    first, second = send(), send()

    assert len(keyed_views.worked) == 1
    assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
    assert second.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Idempotency-Expires"] == first.headers["Idempotency-Expires"]


def test_a_replay_keeps_the_first_request_id_in_its_body_and_has_its_own_in_the_header(send):
    first, second = send(), send()

    assert second.json()["request_id"] == first.headers["X-Request-ID"]
    assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def test_expiry_is_told_in_utc(send):
    expires_at = IdempotencyKey.objects.values_list("expires_at", flat=True)

    answer = send()

    assert answer.headers["Idempotency-Expires"] == expires_at.get().isoformat().replace("+00:00", "Z")


def test_a_refusal_by_the_gateway_is_stored(send):
    first, second = (send(json={"amount_usd": 25, "outcome": "rejected"}) for _ in range(2))

    assert len(keyed_views.worked) == 1
    assert (first.status_code, first.headers["Content-Type"]) == (502, "application/problem+json")
    assert (first.json()["code"], first.json()["detail"]) == ("gateway_rejected", "Declined.")
    assert (second.content, second.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert second.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("outcome", "status"), [("unavailable", 503), ("unforeseen", 500)])
def test_what_was_not_done_may_be_tried_again_with_the_same_key(send, outcome, status):
    answers = [send(json={"amount_usd": 25, "outcome": outcome}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert len(keyed_views.worked) == 2
    assert all("Idempotent-Replayed" not in answer.headers for answer in answers)
    assert len({answer.headers["Idempotency-Expires"] for answer in answers}) == 1


@pytest.mark.parametrize("amount", ["25", 25, "25.0", 25.00])
def test_one_amount_in_another_form_is_the_same_request(send, amount):
    send()

    assert send(json={"amount_usd": amount}).headers["Idempotent-Replayed"] == "true"


def test_another_body_is_refused_by_the_names_of_its_fields(send):
    first = send()

    answer = send(json={"amount_usd": "26.00"})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert [error["field"] for error in answer.json()["errors"]] == ["amount_usd"]
    assert answer.headers["Idempotency-Expires"] == first.headers["Idempotency-Expires"]
    assert len(keyed_views.worked) == 1


def test_another_address_is_another_request(send):
    send()

    assert send("/api/transfers/b").json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("reference", ["%00", "%ff", "x" * 1000, "%F0%9F%98%80"])
def test_any_address_can_be_kept(send, reference):
    assert send(f"/api/transfers/{reference}").status_code == 201


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "idempotency_key_missing"), ("", "idempotency_key_missing"), ("7", "idempotency_key_invalid")],
)
@pytest.mark.parametrize("path", ["/api/transfers/a", "/api/limited"])
def test_the_key_is_looked_at_before_limits_and_body(send, path, key, code):
    answer = send(path, headers={"Idempotency-Key": key}, content=b"{")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "Idempotency-Expires" not in answer.headers


def test_authentication_comes_before_the_key(send):
    answer = send(headers={"Authorization": None, "Idempotency-Key": None})

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_needs_no_key_to_be_refused(send, method):
    answer = send(method=method, headers={"Idempotency-Key": None})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("path", "request_parts", "status"),
    [
        ("/api/transfers/a", {"content": b"{"}, 400),
        ("/api/transfers/a", {"json": {"amount_usd": "1.00"}}, 400),
        ("/api/transfers/a", {"json": {"amount": "25.00"}}, 400),
        ("/api/transfers/a", {"content": b" " * 70_000}, 413),
        ("/api/transfers/a", {"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415),
        ("/api/limited", {}, 429),
    ],
)
def test_a_refusal_under_a_key_that_was_used_tells_its_expiry(send, path, request_parts, status):
    first = send()

    answer = send(path, **request_parts)

    assert answer.status_code == status
    assert answer.headers["Idempotency-Expires"] == first.headers["Idempotency-Expires"]


@pytest.mark.parametrize("request_parts", [{"content": b"{"}, {"json": {"amount_usd": "1.00"}}])
def test_a_refusal_before_the_first_use_leaves_the_key_unused(send, request_parts):
    answer = send(**request_parts)

    assert answer.status_code == 400
    assert "Idempotency-Expires" not in answer.headers
    assert IdempotencyKey.objects.count() == 0


def test_requests_at_the_same_moment_do_the_work_once(send):
    answers = actors.run_together([send] * 8)

    done = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert keyed_views.worked == [25]
    assert {answer.content for answer in done} == {done[0].content}
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} <= {(409, "request_in_progress")}
    assert {answer.headers["Retry-After"] for answer in refused} <= {"1"}
    assert {answer.headers["Idempotency-Expires"] for answer in answers} == {done[0].headers["Idempotency-Expires"]}


def test_a_request_whose_process_died_is_done_by_the_next_one_after_the_lease(send):
    send(json={"amount_usd": 25, "outcome": "unavailable"})
    IdempotencyKey.objects.update(owner_token=uuid4(), locked_at="2026-01-01T00:00:00Z")

    assert send(json={"amount_usd": 25, "outcome": "unavailable"}).status_code == 503
    assert len(keyed_views.worked) == 2


def test_an_unforeseen_error_tells_nothing(send):
    answer = send(json={"amount_usd": 25, "outcome": "unforeseen"})

    assert json.loads(answer.content)["code"] == "internal_error"
    assert b"secret" not in answer.content
