"""Requests that prove no identity, and deliveries that prove no sender: counted for the address that they come from."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from structlog.testing import capture_logs

from namaskah.api import rate_limits
from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import revoke_api_key
from payments.models import WebhookEvent
from tests import steady_windows
from tests.events import charge_success, sign
from tests.factories.api_keys import make_api_key
from tests.factories.snapshots import take_snapshot
from tests.factories.users import UserFactory
from tests.integration.api.clients import BALANCE, INITIALIZE, LIMITS, PAYMENTS, VERIFY, problem

pytestmark = pytest.mark.django_db

WEBHOOK = f"{PAYMENTS}/paystack/webhook"
LIMIT = 30
REFUSED = (401, "not_authenticated")
LIMITED = (429, "rate_limited")
MADE_UP = "Bearer " + "0" * 64

HEADERS_THAT_PROVE_NOTHING = [
    None,
    "",
    "Bearer",
    "Bearer ",
    MADE_UP,
    f"{MADE_UP} {MADE_UP}",
    f"{MADE_UP},{MADE_UP}",
    "Bearer made-up",
    "Bearer \u00e4",
    "Bearer " + "x" * 5_000,
    "Basic YWRhOnNlY3JldA==",
    "Token " + "0" * 64,
    "Digest username=ada",
    "0" * 64,
]


def ask(authorization=MADE_UP, *, path=BALANCE, address="127.0.0.1", method="GET", **headers):
    if authorization is not None:
        headers["Authorization"] = authorization
    http = Client(raise_request_exception=False)
    return http.generic(method, path, content_type="application/json", headers=headers, REMOTE_ADDR=address)


def fail(times, **request):
    return [problem(ask(**request)) for _ in range(times)]


def used_by(address):
    return rate_limits.peek("authentication", f"address:{address}").used


@pytest.fixture(autouse=True)
def _steady_windows(monkeypatch):
    steady_windows.stop_the_clock(monkeypatch)


@pytest.fixture
def limit_of_two(settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "authentication": 2, "signatures": 2}


def test_thirty_failures_are_401_and_then_429():
    answers = fail(LIMIT + 2)

    assert answers == [REFUSED] * LIMIT + [LIMITED] * 2


def test_a_valid_key_from_the_same_address_is_not_touched(api):
    fail(LIMIT + 5)

    answers = [api.get(BALANCE) for _ in range(LIMIT + 5)]

    assert [answer.status_code for answer in answers] == [200] * (LIMIT + 5)
    assert answers[-1]["RateLimit"].startswith('"reads";r=85;t=')


def test_a_valid_key_is_never_counted_for_its_address(api):
    for _ in range(5):
        api.get(BALANCE)

    assert used_by("127.0.0.1") == 0


def test_another_address_is_not_touched(limit_of_two):
    fail(3, address="203.0.113.7")

    assert problem(ask(address="203.0.113.8")) == REFUSED


def test_the_first_failure_above_the_limit_says_when_to_come_back(limit_of_two):
    fail(2)

    answer = ask()

    assert problem(answer) == LIMITED
    assert answer["RateLimit-Policy"] == '"authentication";q=2;w=60'
    assert answer["RateLimit"] == f'"authentication";r=0;t={answer["Retry-After"]}'
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "WWW-Authenticate" not in answer


def test_a_failure_tells_what_is_left_and_how_to_authenticate():
    answers = [ask() for _ in range(2)]

    assert [answer["RateLimit"].split(";")[:2] for answer in answers] == [
        ['"authentication"', "r=29"],
        ['"authentication"', "r=28"],
    ]
    assert {answer["WWW-Authenticate"] for answer in answers} == {"Bearer"}


@pytest.mark.parametrize("authorization", HEADERS_THAT_PROVE_NOTHING)
def test_whatever_proves_nothing_is_counted(limit_of_two, authorization):
    answers = fail(3, authorization=authorization)

    assert answers == [REFUSED, REFUSED, LIMITED]


def test_failures_of_every_kind_share_one_limit():
    answers = [problem(ask(header)) for header in (HEADERS_THAT_PROVE_NOTHING * 3)[: LIMIT + 1]]

    assert answers == [REFUSED] * LIMIT + [LIMITED]


def test_failures_at_every_endpoint_share_one_limit(limit_of_two):
    answers = [
        problem(ask(path=path, method=method))
        for method, path in [("GET", BALANCE), ("POST", INITIALIZE), ("GET", LIMITS), ("POST", VERIFY), ("PUT", VERIFY)]
    ]

    assert answers == [REFUSED] * 2 + [LIMITED] * 3


def test_an_expired_a_revoked_and_a_dead_user_s_key_are_counted(limit_of_two):
    user, gone = UserFactory(), UserFactory(is_active=False)
    expired = make_api_key(user, expires_in=timedelta(seconds=-1))
    revoked = make_api_key(user)
    revoke_api_key(api_key=revoked[0], now=timezone.now())
    secrets = [secret for _, secret in (expired, revoked, make_api_key(gone))]

    answers = [problem(ask(f"Bearer {secret}")) for secret in secrets]

    assert answers == [REFUSED, REFUSED, LIMITED]


def test_tokens_that_begin_as_a_user_s_use_up_nothing_of_that_user(api):
    # No letter of these is in a token, so that none of them can be the user's own.
    for letter in "vwxyz":
        ask(f"Bearer {api.secret[:-1]}{letter}")

    answer = api.get(BALANCE)

    assert answer["RateLimit"].startswith('"reads";r=119;t=')
    assert used_by("127.0.0.1") == 5


@pytest.mark.parametrize(
    ("authorization", "lookups"),
    [(MADE_UP, 1), ("Bearer " + "x" * 5_000, 1), ("Bearer made-up", 0), ("Basic YQ==", 0), (None, 0)],
)
def test_made_up_tokens_cost_a_lookup_and_write_nothing(api, authorization, lookups):
    before = take_snapshot()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask(
            authorization, path=INITIALIZE, method="POST", **{"Idempotency-Key": "0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab"}
        )

    assert len(queries) == lookups
    assert take_snapshot() == before
    assert ApiKey.objects.filter(last_used_at__isnull=False).count() == 0


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP"])
def test_without_a_proxy_no_header_gives_a_fresh_quota(limit_of_two, name):
    entry = "for=203.0.113.{}" if name == "Forwarded" else "203.0.113.{}"

    answers = [problem(ask(**{name: entry.format(number)})) for number in range(4)]

    assert answers == [REFUSED, REFUSED, LIMITED, LIMITED]


@pytest.mark.parametrize("proxies", [1, 2])
def test_behind_proxies_what_the_client_puts_before_gives_no_fresh_quota(limit_of_two, settings, proxies):
    settings.TRUSTED_PROXY_COUNT = proxies
    written_by_proxies = ["203.0.113.7", "198.51.100.1"][:proxies]

    answers = [
        problem(ask(**{"X-Forwarded-For": ", ".join([f"192.0.2.{number}", *written_by_proxies])}))
        for number in range(4)
    ]

    assert answers == [REFUSED, REFUSED, LIMITED, LIMITED]


def test_behind_a_proxy_two_clients_do_not_share(limit_of_two, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    fail(3, **{"X-Forwarded-For": "203.0.113.7"})

    assert problem(ask(**{"X-Forwarded-For": "203.0.113.8"})) == REFUSED


def test_addresses_of_one_ipv6_network_share(limit_of_two):
    answers = [problem(ask(address=f"2001:db8:1:20{number}::1")) for number in range(4)]
    other = problem(ask(address="2001:db8:1:300::1"))

    assert answers == [REFUSED, REFUSED, LIMITED, LIMITED]
    assert other == REFUSED


def test_no_token_is_told_to_the_log(limit_of_two):
    with capture_logs() as lines:
        fail(4)

    assert "0" * 64 not in str(lines)


def deliver(raw=b"{}", *, signature="0" * 128, address="52.31.139.75"):
    headers = {} if signature is None else {"x-paystack-signature": signature}
    return Client().post(WEBHOOK, raw, content_type="application/json", headers=headers, REMOTE_ADDR=address)


def deliver_signed(*, address="52.31.139.75"):
    raw = charge_success(reference="nmk-0", amount_minor=1, transaction_id=1)
    return deliver(raw, signature=sign(raw), address=address)


def test_sixty_bad_signatures_are_401_and_then_429():
    answers = [problem(deliver()) for _ in range(62)]

    assert answers == [(401, "signature_invalid")] * 60 + [LIMITED] * 2


def test_a_good_signature_from_the_address_of_a_flood_is_200(limit_of_two):
    flood = [deliver().status_code for _ in range(5)]

    answers = [deliver_signed() for _ in range(5)]

    assert flood == [401, 401, 429, 429, 429]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"status": "success"})] * 5
    assert WebhookEvent.objects.get().deliveries == 5


def test_missing_and_bad_signatures_share_one_limit(limit_of_two):
    answers = [problem(deliver(signature=signature)) for signature in (None, "0" * 128, None)]

    assert answers == [(401, "signature_missing"), (401, "signature_invalid"), LIMITED]


def test_bad_signatures_of_another_address_are_told_what_is_wrong(limit_of_two):
    for _ in range(5):
        deliver()

    assert problem(deliver(address="203.0.113.7")) == (401, "signature_invalid")


def test_a_bad_signature_above_the_limit_says_when_to_come_back(limit_of_two):
    answers = [deliver() for _ in range(3)]

    assert [answer["RateLimit"].split(";")[:2] for answer in answers] == [
        ['"signatures"', "r=1"],
        ['"signatures"', "r=0"],
        ['"signatures"', "r=0"],
    ]
    assert answers[-1]["RateLimit"].endswith(f";t={answers[-1]['Retry-After']}")
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"signatures";q=2;w=60'}


def test_bad_signatures_above_the_limit_are_one_line_in_the_log(limit_of_two):
    with capture_logs() as lines:
        for _ in range(5):
            deliver()

    assert [line["event"] for line in lines] == ["request", "request", "rate_limit_reached"]


def test_bad_signatures_are_not_failed_authentications(limit_of_two):
    for _ in range(5):
        deliver(address="203.0.113.7")

    assert used_by("203.0.113.7") == 0
