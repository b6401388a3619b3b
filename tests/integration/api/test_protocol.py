"""What holds for every address: methods, media types, sizes, bodies, request ids."""

from uuid import UUID, uuid4

import pytest

from tests.integration.api.clients import BILLING, INITIALIZE, PAYMENTS, VERIFY, problem, read

pytestmark = pytest.mark.django_db

POSTS = [INITIALIZE, VERIFY]
GETS = [PAYMENTS, f"{BILLING}/balance", f"{BILLING}/transactions"]


def _send(api, method, path, **more):
    return getattr(api.http, method)(path, headers={**api._headers(), "Idempotency-Key": str(uuid4())}, **more)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_address_to_post_to_takes_no_other_method(api, path, method):
    answer = _send(api, method, path)

    assert problem(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "POST"


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_address_to_read_takes_no_other_method(api, path, method):
    answer = _send(api, method, path)

    assert problem(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", [*GETS, *POSTS])
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_only_json_is_answered(api, path, accept):
    method = "post" if path in POSTS else "get"

    answer = getattr(api.http, method)(
        path, headers={**api._headers(), "Accept": accept, "Idempotency-Key": str(uuid4())}
    )

    assert problem(answer) == (406, "not_acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json", "application/json;q=0.5, text/html"])
def test_json_is_answered_to_whoever_takes_it(api, accept):
    answer = api.http.get(f"{BILLING}/balance", headers={**api._headers(), "Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
        "",
    ],
)
def test_a_body_of_another_type_is_refused(api, path, content_type):
    answer = _send(api, "post", path, data=b'{"amount_usd": "25.00"}', content_type=content_type)

    assert problem(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_a_body_of_json_is_read(api, path, content_type):
    answer = _send(api, "post", path, data=b"{}", content_type=content_type)

    assert problem(answer) == (400, "validation_error")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 400), (64 * 1024 + 1, 413), (300 * 1024, 413)])
def test_a_body_over_64_kib_is_refused(api, path, size, status):
    answer = api.post(path, b'{"note": "' + b"x" * (size - 12) + b'"}', key=uuid4())

    assert problem(answer) == (status, "validation_error" if status == 400 else "body_too_large")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"NaN",
        b'{"amount_usd": NaN}',
        b'{"amount_usd": Infinity}',
        b'{"amount_usd": "5.00", "amount_usd": "10000.00"}',
        b'{"reference": "a", "refer\\u0065nce": "b"}',
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"amount_usd": "25.00"}',
        b'{"amount_usd": ' + b"9" * 5000 + b"}",
        b'{"amount_usd": 1e99999999999999999999}',
        b"[" * 2000 + b"]" * 2000,
        b'{"reference": "a\\u0000b"}',
        b'{"reference": "\\ud800"}',
    ],
)
def test_a_body_that_two_readers_may_understand_differently_is_refused(api, path, raw):
    answer = api.post(path, raw, key=uuid4())

    expected = (400, "validation_error") if raw == b"" else (400, "malformed_json")
    assert problem(answer) == expected


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"25", b"true"])
def test_a_body_that_is_no_object_is_refused(api, path, raw):
    answer = api.post(path, raw, key=uuid4())

    assert problem(answer) == (400, "validation_error")


@pytest.mark.parametrize(
    "path", [f"{PAYMENTS}/", f"{PAYMENTS}/initialize/", f"{BILLING}", f"{BILLING}/balance/", "/api/v2/"]
)
def test_an_address_that_does_not_exist_is_404(api, path):
    assert problem(api.get(path)) in [(404, "not_found"), (404, "payment_not_found")]


@pytest.mark.parametrize("path", GETS)
def test_a_head_request_has_no_body(api, path):
    answer = api.http.head(path, headers=api._headers())

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", [*GETS, f"{PAYMENTS}/nmk-0", "/api/nothing"])
def test_every_answer_has_a_request_id_that_the_client_may_choose(api, path):
    chosen = str(uuid4())

    given = api.http.get(path, headers={**api._headers(), "X-Request-ID": chosen})
    made = api.get(path)

    assert given["X-Request-ID"] == chosen
    assert UUID(made["X-Request-ID"]) != UUID(chosen)
    if given.status_code == 404:
        assert read(given)["request_id"] == chosen


@pytest.mark.parametrize("path", [*GETS, "/api/nothing"])
def test_answers_are_not_sniffed_framed_or_told_to_others(api, path):
    answer = api.get(path)

    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in answer
    assert answer.cookies == {}
