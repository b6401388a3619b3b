import json
import logging
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from namaskah import problem_pages
from tests.unit.namaskah import broken_views

pytestmark = pytest.mark.urls("tests.unit.namaskah.broken_views")


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture
def errors_logged(caplog):
    """Return the log lines at ERROR, with their traceback."""

    def read():
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]

    return read


@pytest.mark.parametrize("kind", ["framework", "plain"])
def test_an_unforeseen_error_is_a_500_that_tells_nothing_but_the_request_id(client, kind):
    request_id = str(uuid4())

    answer = client.get(f"/api/{kind}/unforeseen", headers={"X-Request-ID": request_id})

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer["X-Request-ID"] == request_id
    assert json.loads(answer.content) == {
        "type": "/api/problems/internal_error",
        "title": "Something went wrong on our side; tell us the request id",
        "status": 500,
        "detail": "Something went wrong on our side; tell us the request id.",
        "code": "internal_error",
        "request_id": request_id,
    }


@pytest.mark.parametrize("kind", ["framework", "plain"])
def test_an_unforeseen_error_is_logged_once_with_its_traceback(client, caplog, kind):
    client.get(f"/api/{kind}/unforeseen")

    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(lines) == 1
    assert isinstance(lines[0].msg["exc_info"], ZeroDivisionError)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("database", 503, "database_unavailable"),
        ("refused", 503, "gateway_unavailable"),
        ("denied", 403, "permission_denied"),
    ],
)
@pytest.mark.parametrize("kind", ["framework", "plain"])
def test_the_same_error_is_the_same_problem_in_every_kind_of_view(client, kind, name, status, code):
    answer = client.get(f"/api/{kind}/{name}")

    body = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"], body["code"]) == (status, "application/problem+json", code)
    assert "secret" not in answer.content.decode()
    assert body["request_id"] == answer["X-Request-ID"]


@pytest.mark.parametrize("path", ["/api/nothing", "/api/v1/nothing/", "/api/", "/api/nothing%00"])
def test_an_unknown_address_of_the_api_is_a_problem(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(answer.content)["code"] == "not_found"


def test_a_wrong_host_is_a_problem_with_a_request_id(client):
    answer = client.get("/api/nothing", headers={"Host": "elsewhere.example.com"})

    body = json.loads(answer.content)
    assert (answer.status_code, body["code"]) == (400, "validation_error")
    assert UUID(body["request_id"]) == UUID(answer["X-Request-ID"])


@pytest.mark.parametrize(
    ("path", "status"),
    [("/page/unforeseen", 500), ("/page/database", 503), ("/page/denied", 403), ("/nothing", 404)],
)
def test_a_page_for_people_is_no_problem_json(client, path, status):
    answer = client.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert b"secret" not in answer.content


def test_a_database_that_fails_where_no_view_is_asked_is_told_to_people_in_words():
    try:
        broken_views.plain(None, "database")
    except OperationalError:
        answer = problem_pages.server_error(RequestFactory().get("/admin/"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The database does not answer at this moment" in answer.content.decode()
    assert b"secret" not in answer.content


def test_a_wrong_host_on_a_page_for_people_is_a_page(client):
    answer = client.get("/page/denied", headers={"Host": "elsewhere.example.com"})

    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.urls("namaskah.urls")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/payment", "/api/v1/payments/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_address_of_the_api_that_does_not_exist_is_a_problem_in_development_too(
    client, settings, debug, path, method
):
    settings.DEBUG = debug

    answer = getattr(client, method)(path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(answer.content)["code"] == "not_found"
