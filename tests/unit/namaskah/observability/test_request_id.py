from uuid import UUID, uuid4

import httpx
import pytest
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from namaskah.observability.request_id import read_request_id

GIVEN = "0190f5ea-7c1e-7cc3-98c4-dc0c0c07398f"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("header", [GIVEN, GIVEN.upper(), f"{{{GIVEN}}}", GIVEN.replace("-", "")])
def test_read_request_id_takes_a_uuid_in_its_canonical_form(header):
    assert read_request_id(header) == GIVEN


@pytest.mark.parametrize("header", [None, "", "7", "x" * 5000, GIVEN + "\n", "not-a-uuid", f"{GIVEN},{GIVEN}"])
def test_read_request_id_makes_one_where_there_is_none(header):
    made = read_request_id(header)

    assert str(UUID(made)) == made
    assert made not in {header, GIVEN}


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/api/v1/billing/balance", 401), ("/api/v1/nothing", 404), ("/none", 404)]
)
def test_every_answer_echoes_the_request_id(client, path, status):
    answer = client.get(path, headers={"X-Request-ID": GIVEN})

    assert (answer.status_code, answer["X-Request-ID"]) == (status, GIVEN)


def test_an_answer_to_a_wrong_host_echoes_the_request_id(client):
    answer = client.get("/api/v1/billing/balance", headers={"X-Request-ID": GIVEN, "Host": "evil.example"})

    assert (answer.status_code, answer["X-Request-ID"]) == (400, GIVEN)


def test_problems_name_the_request_id(client):
    answer = client.get("/api/v1/billing/balance")

    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_each_request_has_an_id_of_its_own(live_server):
    ids = {httpx.get(f"{live_server.url}/health").headers["X-Request-ID"] for _ in range(3)}

    assert len(ids) == 3


def test_each_request_is_one_line_without_its_query(client):
    with capture_logs(processors=[merge_contextvars]) as lines:
        client.get("/health?token=secret", headers={"X-Request-ID": GIVEN})

    assert [{**line, "milliseconds": 0} for line in lines] == [
        {
            "event": "request",
            "log_level": "info",
            "method": "GET",
            "path": "/health",
            "status": 200,
            "request_id": GIVEN,
            "milliseconds": 0,
        }
    ]


def test_the_id_does_not_outlive_its_request(client):
    client.get("/health")

    assert "request_id" not in get_contextvars()


@pytest.mark.django_db
def test_the_back_office_takes_no_id_from_outside(client):
    given = str(uuid4())

    answers = {path: client.get(path, headers={"X-Request-ID": given}) for path in ("/admin/login/", "/health")}

    assert answers["/health"]["X-Request-ID"] == given
    assert UUID(answers["/admin/login/"]["X-Request-ID"]) != UUID(given)


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["", "/", "/more"])
def test_a_link_to_set_a_password_stands_in_no_log(client, caplog, end):
    with capture_logs() as lines:
        client.get(f"/admin/set-password/MQ/d1abcd-0123456789abcdef{end}")

    assert [line["path"] for line in lines if line["event"] == "request"] == [f"/admin/set-password/MQ/…{end}"]
    assert "0123456789abcdef" not in f"{lines} {caplog.text}"
