import json

import pytest
from django.test import RequestFactory
from rest_framework.response import Response
from structlog.testing import capture_logs

from namaskah.api import rate_limits
from namaskah.api.views import ApiView
from tests import steady_windows
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db


class Echo(ApiView):
    """An endpoint whose only work is to count how often it was done."""

    throttle_scope = "reads"
    done = 0

    def get(self, _request):
        type(self).done += 1
        return Response({})


class Forbidden:
    def has_permission(self, _request, _view):
        return False


@pytest.fixture(autouse=True)
def _limits(settings, monkeypatch):
    steady_windows.stop_the_clock(monkeypatch)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": 3, "authentication": 2}
    monkeypatch.setattr(Echo, "done", 0)


@pytest.fixture
def user(db):
    return UserFactory()


@pytest.fixture
def send(user):
    """Return what sends a request with the user's key."""
    _, secret = make_api_key(user)
    return lambda method="GET": _send(method, Authorization=f"Bearer {secret}")


def _send(method="GET", **headers):
    request = RequestFactory().generic(method, "/", headers=headers)
    request.request_id = "0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab"
    return Echo.as_view()(request)


def test_a_request_above_the_limit_is_not_worked_on(send):
    statuses = [send().status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    assert Echo.done == 3


def test_a_request_is_counted_once(send, user):
    send()

    assert rate_limits.peek("reads", f"user:{user.pk}").used == 1


def test_every_answer_tells_what_is_left(send):
    answers = [send(method) for method in ("GET", "POST", "GET", "GET")]

    assert [answer.status_code for answer in answers] == [200, 405, 200, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"reads";q=3;w=60'}


def test_a_request_above_the_limit_is_a_problem_that_says_when_to_come_back(send):
    answer = [send() for _ in range(4)][-1]

    body = json.loads(answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert (body["status"], body["code"], body["type"]) == (429, "rate_limited", "/api/problems/rate_limited")
    assert answer["RateLimit"] == f'"reads";r=0;t={answer["Retry-After"]}'


def test_requests_above_the_limit_are_one_warning_and_no_error(send):
    with capture_logs() as lines:
        statuses = [send().status_code for _ in range(4)]

    assert statuses[-1] == 429
    assert [(line["event"], line["log_level"]) for line in lines] == [("rate_limit_reached", "warning")]


def test_what_the_permissions_refuse_is_counted_too(send, monkeypatch):
    monkeypatch.setattr(Echo, "permission_classes", [Forbidden])

    statuses = [send().status_code for _ in range(4)]

    assert statuses == [403, 403, 403, 429]


def test_a_failed_authentication_is_counted_for_its_address_alone(send, user):
    answers = [_send(Authorization="Bearer made-up"), _send(), _send()]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"authentication";q=2;w=60'}
    assert rate_limits.peek("reads", f"user:{user.pk}").used == 0
    assert send().status_code == 200


def test_a_key_that_opens_is_not_counted_as_a_failure(send):
    for _ in range(3):
        send()

    assert rate_limits.peek("authentication", "address:127.0.0.1").used == 0
