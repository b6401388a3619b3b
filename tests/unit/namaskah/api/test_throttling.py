from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from rest_framework.request import Request

from namaskah.api import rate_limits
from namaskah.api.throttling import ClientThrottle, RateLimitedError, client_of, count_failed_authentication
from namaskah.problem_details import describe
from tests import steady_windows


@pytest.fixture(autouse=True)
def _limits(settings, monkeypatch):
    steady_windows.stop_the_clock(monkeypatch)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "initialize": 2, "reads": 3, "authentication": 2}


def request_of(user=None, *, address="127.0.0.1", **headers):
    request = Request(RequestFactory().get("/", headers=headers, REMOTE_ADDR=address))
    request.user = user or AnonymousUser()
    return request


def used_by(user, name="initialize"):
    return rate_limits.peek(name, client_of(request_of(user))).used


def view_of(scope):
    return SimpleNamespace(throttle_scope=scope)


def test_allow_request_until_the_limit_of_the_view_s_scope_is_used_up():
    throttle, request = ClientThrottle(), request_of(User(pk=1))

    assert [throttle.allow_request(request, view_of("initialize")) for _ in range(2)] == [True, True]
    with pytest.raises(RateLimitedError):
        throttle.allow_request(request, view_of("initialize"))


def test_allow_request_leaves_the_usage_with_the_view():
    view = view_of("reads")

    ClientThrottle().allow_request(request_of(User(pk=1)), view)

    assert (view.usage.name, view.usage.limit, view.usage.used) == ("reads", 3, 1)


def test_allow_request_that_is_refused_leaves_the_usage_with_the_view():
    view = view_of("initialize")
    for _ in range(2):
        ClientThrottle().allow_request(request_of(User(pk=1)), view)

    with pytest.raises(RateLimitedError):
        ClientThrottle().allow_request(request_of(User(pk=1)), view)

    assert (view.usage.used, view.usage.remaining) == (3, 0)


def test_allow_request_counts_each_user_and_each_scope_apart():
    for _ in range(2):
        ClientThrottle().allow_request(request_of(User(pk=1)), view_of("initialize"))

    assert (used_by(User(pk=1)), used_by(User(pk=2)), used_by(User(pk=1), "reads")) == (2, 0, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer other"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Real-IP": "203.0.113.7"},
        {"User-Agent": "other"},
        {"Cookie": "sessionid=other"},
    ],
)
def test_allow_request_counts_a_user_wherever_the_request_comes_from(headers):
    ClientThrottle().allow_request(request_of(User(pk=1)), view_of("initialize"))
    ClientThrottle().allow_request(request_of(User(pk=1), address="203.0.113.9", **headers), view_of("initialize"))

    assert used_by(User(pk=1)) == 2


def test_client_of_is_the_user_and_never_an_address():
    assert [client_of(request_of(User(pk=number))) for number in (1, 12)] == ["user:1", "user:12"]


def test_count_failed_authentication_counts_per_address():
    used = [count_failed_authentication(request_of(address="203.0.113.7")).used for _ in range(3)]
    other = count_failed_authentication(request_of(address="203.0.113.8"))

    assert (used, other.used, other.name) == ([1, 2, 3], 1, "authentication")


def test_rate_limited_error_says_the_limit_and_when_it_is_whole_again():
    usage = rate_limits.Usage(name="verify", limit=10, used=11, seconds_left=42)

    problem = describe(RateLimitedError(usage))

    assert (problem.code, problem.status) == ("rate_limited", 429)
    assert problem.headers == {"Retry-After": "42"}
    assert problem.detail == 'The limit "verify" is 10 per minute; it is whole again in 42 s.'
