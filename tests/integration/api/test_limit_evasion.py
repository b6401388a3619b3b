"""What a client tries in order to get more than its limit."""

from uuid import uuid4

import pytest

from tests import steady_windows
from tests.integration.api.clients import BALANCE, INITIALIZE, problem

pytestmark = pytest.mark.django_db

TRICKS = {
    "X-Forwarded-For": "203.0.113.{}",
    "X-Real-IP": "203.0.113.{}",
    "Forwarded": "for=203.0.113.{}",
    "X-Client-IP": "203.0.113.{}",
    "True-Client-IP": "203.0.113.{}",
    "X-HTTP-Method-Override": "PATCH{}",
    "X-Method-Override": "GET{}",
    "X-Original-URL": "/health?{}",
    "X-Rewrite-URL": "/health?{}",
    "X-API-Key": "made-up-{}",
    "X-User-ID": "{}",
    "X-RateLimit-Limit": "{}000",
    "RateLimit-Policy": '"reads";q={}000;w=60',
    "X-Request-ID": "0d6c1f0e-9b1a-4c3d-8e4f-00000000000{}",
    "User-Agent": "another-{}",
    "Origin": "https://{}.example.com",
    "Referer": "https://{}.example.com",
    "Cookie": "sessionid=another{}",
    "Cache-Control": "no-cache, max-age={}",
    "Accept-Language": "en-{}",
}


@pytest.fixture(autouse=True)
def _steady_windows(monkeypatch):
    steady_windows.stop_the_clock(monkeypatch)


@pytest.fixture
def limits_of_two(settings):
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 2)


@pytest.fixture
def limits_of_one(settings):
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 1)


@pytest.mark.parametrize("name", TRICKS)
def test_a_made_up_header_gives_no_fresh_quota(api, limits_of_two, name):
    statuses = [
        api.http.get(BALANCE, headers={**api._headers(), name: TRICKS[name].format(number)}).status_code
        for number in range(4)
    ]

    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR", " Bearer", "Bearer ", "Bearer\t"])
def test_another_spelling_of_the_scheme_gives_no_fresh_quota(api, limits_of_one, scheme):
    api.get(BALANCE)

    answer = api.http.get(BALANCE, headers={"Authorization": f"{scheme} {api.secret}"})

    assert problem(answer) == (429, "rate_limited")


@pytest.mark.parametrize(
    "query",
    [
        "?_=1",
        "?user=2",
        "?user_id=2",
        "?_method=POST",
        "?format=json",
        "?format=api",
        "?format=xml",
        "?api_key=x",
        "?;",
        "??",
    ],
)
def test_a_query_gives_no_fresh_quota(api, limits_of_one, query):
    api.get(BALANCE)

    assert problem(api.get(f"{BALANCE}{query}")) == (429, "rate_limited")


@pytest.mark.parametrize("path", ["/api/v1/billing/%62alance", "/api/v1/billing/balance?", "/api/v1/%62illing/balance"])
def test_another_spelling_of_the_address_gives_no_fresh_quota(api, limits_of_one, path):
    api.get(BALANCE)

    assert problem(api.get(path)) == (429, "rate_limited")


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "text/plain"),
        (b'{"note": "' + b"x" * 65_536 + b'"}', "application/json"),
        (b"{}", "application/json; charset=utf-16"),
        (b"_method=GET", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_refused_counts(api, limits_of_one, raw, content_type):
    headers = {**api._headers(), "Idempotency-Key": str(uuid4())}

    statuses = [
        api.http.post(INITIALIZE, raw, content_type=content_type, headers=headers).status_code for _ in range(2)
    ]

    assert (statuses[0] in {400, 413, 415}, statuses[1]) == (True, 429)


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_one_user_from_many_addresses_shares(api, limits_of_two, settings, proxies):
    settings.TRUSTED_PROXY_COUNT = proxies

    statuses = [
        api.http.get(
            BALANCE,
            headers={**api._headers(), "X-Forwarded-For": f"203.0.113.{number}, 198.51.100.{number}"},
            REMOTE_ADDR=f"10.0.0.{number}",
        ).status_code
        for number in range(4)
    ]

    assert statuses == [200, 200, 429, 429]
