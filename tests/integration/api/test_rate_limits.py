"""What a client meets at its limits, at every endpoint."""

import re
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.urls import URLPattern, get_resolver

from namaskah.api.views import ApiView
from namaskah.idempotency.models import IdempotencyKey
from payments.lifecycles import PaymentState
from payments.models import GatewayCall, PaymentLog
from tests import steady_windows
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.snapshots import take_snapshot
from tests.factories.users import UserFactory
from tests.integration.api.clients import (
    BALANCE,
    BILLING,
    DEBITS,
    IDEMPOTENCY,
    INITIALIZE,
    LIMITS,
    PAYMENTS,
    QUOTE,
    SUMMARY,
    TRANSACTIONS,
    VERIFY,
    ApiClient,
    Route,
    allow_refunds,
    deliver,
    list_routes,
    problem,
    read,
)

pytestmark = pytest.mark.django_db

LIMITED = re.compile(r'"(?P<name>[a-z]+)";r=(?P<left>[0-9]+);t=(?P<seconds>[1-9]|[1-5][0-9]|60)')
ROUTES = list_routes()
PAYMENT = Route("GET", f"{PAYMENTS}/<str:reference>")
KEY = Route("GET", f"{IDEMPOTENCY}/<str:key>")
REVERSE = Route("POST", f"{DEBITS}/<str:reference>/reverse")
REFUND = Route("POST", f"{PAYMENTS}/<str:reference>/refunds")


def _pay(client, sandbox):
    reference = read(client.initialize())["reference"]
    sandbox.pay(reference)
    return reference


def _reverse(client, sandbox):
    user = UserFactory()
    post(user)
    return client.reverse(read(client.debit(user))["reference"])


def _debit(client, sandbox):
    user = UserFactory()
    post(user)
    return client.debit(user)


def _refund(client, sandbox):
    allow_refunds(client)
    return client.refund(PaymentFactory(user=client.user, at=PaymentState.COMPLETED).reference)


def _look_at_key(client, sandbox):
    key = uuid4()
    client.initialize(key=key)
    return client.get(f"{IDEMPOTENCY}/{key}")


# How each endpoint is asked so that it does its work.
SUCCESSES = {
    Route("POST", INITIALIZE): lambda client, _: client.initialize(),
    Route("POST", VERIFY): lambda client, sandbox: client.verify(_pay(client, sandbox)),
    Route("POST", DEBITS): _debit,
    REVERSE: _reverse,
    REFUND: _refund,
    Route("GET", QUOTE): lambda client, _: client.get(QUOTE, amount_usd="25.00", currency="NGN"),
    PAYMENT: lambda client, sandbox: client.get(f"{PAYMENTS}/{_pay(client, sandbox)}"),
    KEY: _look_at_key,
    **{
        Route("GET", path): lambda client, _, path=path: client.get(path)
        for path in (PAYMENTS, BALANCE, TRANSACTIONS, SUMMARY, LIMITS)
    },
}


def limit_of(route):
    if route.path in {INITIALIZE, VERIFY}:
        return route.path.rsplit("/", 1)[1]
    return "reads" if route.method == "GET" else "writes"


def send(client, route, **headers):
    """Send a request that the endpoint refuses after it was counted."""
    path = re.sub("<[^>]+>", "nmk-0", route.path)
    headers = {**client._headers(), "Idempotency-Key": str(uuid4()), **headers}
    return client.http.generic(route.method, path, b"{}", content_type="application/json", headers=headers)


def fields(answer):
    """Return the name, what is left and the seconds of an answer's fields, whose form is checked on the way."""
    told = LIMITED.fullmatch(answer["RateLimit"])
    assert re.fullmatch(f'"{told["name"]}";q=[1-9][0-9]*;w=60', answer["RateLimit-Policy"])
    return told["name"], int(told["left"]), int(told["seconds"])


def walk(resolver, prefix="/"):
    for part in resolver.url_patterns:
        path = prefix + str(part.pattern)
        if isinstance(part, URLPattern):
            yield path, part.callback
        else:
            yield from walk(part, path)


@pytest.fixture(autouse=True)
def _steady_windows(monkeypatch):
    steady_windows.stop_the_clock(monkeypatch)


@pytest.fixture
def limit(settings):
    """Return what sets limits for a test."""

    def set_limits(**limits):
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, **limits}

    return set_limits


@pytest.fixture
def limits_of_one(settings):
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 1)


def test_every_address_of_the_api_has_a_limit_but_the_gateway_s_own():
    unlimited = [
        path
        for path, callback in walk(get_resolver())
        if path.startswith("/api/v1") and not issubclass(getattr(callback, "cls", object), ApiView)
    ]

    assert unlimited == [f"{PAYMENTS}/paystack/webhook"]


def test_every_endpoint_is_asked_in_these_tests():
    assert sorted(SUCCESSES, key=str) == sorted(ROUTES, key=str)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_endpoint_tells_its_limit_when_it_did_its_work(route, api, service, sandbox):
    client = service if route.path.startswith(DEBITS) else api

    answer = SUCCESSES[route](client, sandbox)

    assert answer.status_code in {200, 201}
    name, left, _ = fields(answer)
    assert (name, left < {"initialize": 5, "verify": 10, "reads": 120, "writes": 60}[name]) == (limit_of(route), True)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_endpoint_tells_its_limit_when_it_refuses(route, api, limit):
    limit(initialize=7, verify=7, reads=7, writes=7)

    answers = [send(api, route, **{"Content-Type": kind}) for kind in ("application/json", "text/plain")]

    assert {answer.status_code // 100 for answer in answers} <= {2, 4}
    assert [fields(answer)[:2] for answer in answers] == [(limit_of(route), 6), (limit_of(route), 5)]


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_endpoint_stops_at_its_limit(route, api, limits_of_one):
    send(api, route)

    answer = send(api, route)

    assert problem(answer) == (429, "rate_limited")
    name, left, seconds = fields(answer)
    assert (name, left, answer["Retry-After"]) == (limit_of(route), 0, str(seconds))
    assert answer["RateLimit-Policy"] == f'"{name}";q=1;w=60'


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_endpoint_tells_the_limit_of_failed_authentications(route, api, limits_of_one):
    answers = [send(api, route, Authorization="Bearer made-up") for _ in range(2)]

    assert [problem(answer) for answer in answers] == [(401, "not_authenticated"), (429, "rate_limited")]
    assert [fields(answer)[:2] for answer in answers] == [("authentication", 0)] * 2


@pytest.mark.parametrize("route", ROUTES, ids=str)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "GET", "POST"])
def test_every_method_of_an_endpoint_counts_against_its_one_limit(route, method, api, limits_of_one):
    send(api, Route(method, route.path))

    answer = send(api, route)

    assert problem(answer) == (429, "rate_limited")


@pytest.mark.parametrize(
    ("name", "q", "paths"),
    [
        ("initialize", 5, [INITIALIZE]),
        ("verify", 10, [VERIFY]),
        ("reads", 120, [BALANCE, TRANSACTIONS, SUMMARY, PAYMENTS, f"{PAYMENTS}/nmk-0", QUOTE, LIMITS]),
        ("writes", 60, [DEBITS, f"{DEBITS}/sms-0/reverse", f"{PAYMENTS}/nmk-0/refunds"]),
    ],
)
def test_endpoints_of_one_limit_share_it(api, name, q, paths):
    method = "GET" if name == "reads" else "POST"
    routes = [Route(method, paths[number % len(paths)]) for number in range(q + 1)]

    answers = [send(api, route) for route in routes]

    assert [fields(answer)[:2] for answer in answers] == [(name, max(q - sent, 0)) for sent in range(1, q + 2)]
    assert [answer.status_code == 429 for answer in answers] == [False] * q + [True]


def test_a_purchase_above_the_limit_writes_nothing_and_asks_nobody(api, sandbox, limit):
    limit(initialize=1)
    api.initialize()
    before = take_snapshot()

    answer = api.initialize()

    assert problem(answer) == (429, "rate_limited")
    assert take_snapshot() == before
    assert (PaymentLog.objects.count(), GatewayCall.objects.count(), IdempotencyKey.objects.count()) == (1, 1, 1)


def test_a_key_that_was_refused_above_the_limit_is_unused_and_works_later(api, sandbox, limit):
    limit(initialize=1)
    key = uuid4()
    api.initialize()

    refused = api.initialize(key=key)
    caches["limits"].clear()
    later = api.initialize(key=key)

    assert problem(refused) == (429, "rate_limited")
    assert "Idempotency-Expires" not in refused
    assert (later.status_code, later.get("Idempotent-Replayed")) == (201, None)


def test_a_key_that_was_refused_above_the_limit_may_come_with_another_request(api, sandbox, limit):
    limit(initialize=1)
    key = uuid4()
    api.initialize()
    api.initialize(key=key, amount_usd="30.00")
    caches["limits"].clear()

    answer = api.initialize(key=key, amount_usd="40.00")

    assert (answer.status_code, read(answer)["amount_usd"]) == (201, "40.00")


def test_a_replay_counts_and_tells_the_limit_of_now(api, sandbox):
    key = uuid4()
    api.initialize(key=key)

    replay = api.initialize(key=key)

    assert (replay["Idempotent-Replayed"], fields(replay)[:2]) == ("true", ("initialize", 3))


def test_an_answer_known_under_a_key_is_refused_above_the_limit_and_kept(api, sandbox, limit):
    limit(initialize=1)
    key = uuid4()
    first = api.initialize(key=key)

    refused = api.initialize(key=key)
    caches["limits"].clear()
    replay = api.initialize(key=key)

    assert problem(refused) == (429, "rate_limited")
    assert refused["Idempotency-Expires"] == first["Idempotency-Expires"]
    assert (replay.content, replay["Idempotent-Replayed"]) == (first.content, "true")


def test_a_key_that_is_none_is_refused_before_anything_is_counted(api, limits_of_one):
    answers = [api.post(INITIALIZE, {"amount_usd": "25.00"}, key="no uuid") for _ in range(3)]

    assert [problem(answer) for answer in answers] == [(400, "idempotency_key_invalid")] * 3
    assert api.initialize(amount_usd="nothing").status_code == 400


def test_two_users_behind_one_address_do_not_share(api, other_api, limits_of_one):
    assert [api.get(BALANCE).status_code for _ in range(2)] == [200, 429]
    assert [other_api.get(BALANCE).status_code for _ in range(2)] == [200, 429]


def test_two_keys_of_one_user_share(api, limit):
    limit(reads=3)
    second = ApiClient(api.user)

    answers = [client.get(BALANCE) for client in (api, second, api, second)]

    assert [fields(answer)[1] for answer in answers] == [2, 1, 0, 0]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_limits_shows_what_was_used_and_counts_itself(api):
    api.get(BALANCE)
    api.verify("nmk-0")

    shown = {row["name"]: row for row in read(api.get(LIMITS))["limits"]}

    used = {name: (row["limit"], row["used"], row["remaining"]) for name, row in shown.items()}
    assert used == {"initialize": (5, 0, 5), "verify": (10, 1, 9), "reads": (120, 2, 118), "writes": (60, 0, 60)}
    assert {row["window_seconds"] for row in shown.values()} == {60}
    assert {1 <= row["resets_in_seconds"] <= 60 for row in shown.values()} == {True}


def test_limits_shows_no_more_than_the_limit_as_used(api, limit):
    limit(verify=1)
    for _ in range(5):
        api.verify("nmk-0")

    shown = {row["name"]: (row["used"], row["remaining"]) for row in read(api.get(LIMITS))["limits"]}

    assert shown["verify"] == (1, 0)


def test_limits_shows_a_client_its_own_use_alone(api, other_api):
    api.verify("nmk-0")

    shown = {row["name"]: row["used"] for row in read(other_api.get(LIMITS))["limits"]}

    assert shown == {"initialize": 0, "verify": 0, "reads": 1, "writes": 0}


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/health/ready", "/metrics", "/api/schema", "/api/docs", "/api/problems"]
)
def test_pages_that_are_for_everybody_are_not_limited(client, limits_of_one, path):
    answers = [client.get(path) for _ in range(5)]

    assert len({answer.status_code for answer in answers}) == 1
    assert answers[-1].status_code != 429
    assert [name for answer in answers for name in answer.headers if name.startswith("RateLimit")] == []


def test_a_problem_s_page_is_not_limited(client, limits_of_one):
    statuses = {client.get("/api/problems/rate_limited").status_code for _ in range(5)}

    assert len(statuses) == 1
    assert statuses != {429}


def test_an_address_that_does_not_exist_is_not_limited(client, limits_of_one):
    answers = [client.get(f"{BILLING}/nothing") for _ in range(5)]

    assert [problem(answer) for answer in answers] == [(404, "not_found")] * 5


def test_a_delivery_with_a_good_signature_is_not_limited(limits_of_one, db):
    answers = [deliver("nmk-0", amount_minor=1, transaction_id=number) for number in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert ["RateLimit" in answer for answer in answers] == [False] * 5
