"""What a flood of bad signatures costs, whom it touches, and how its sender cannot get around the limit."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from payments.models import WebhookEvent
from payments.webhooks import signature_failures
from tests.events import charge_success, sign
from tests.integration.webhooks.expectations import LIMITED, Expectation
from tests.integration.webhooks.gateway import send
from tests.unit.payments.webhooks.odd_bodies import REFERENCE
from tests.webhook_mutations import LIMIT_BYTES, Delivery

RAW = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
GOOD = Delivery(sent=RAW, signature=sign(RAW))
BAD = Delivery(sent=RAW, signature=sign(RAW, key="sk_test_another"))
UNSIGNED = Delivery(sent=RAW, signature=None)
ACCEPTED = Expectation(200)
REFUSED = Expectation(401, "signature_invalid")
LIMIT = 60

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def deliver(application):
    """Return what sends a delivery some number of times and returns what each was told."""

    def deliver_often(delivery, times=1, **where):
        return [send(application, delivery, **where).told for _ in range(times)]

    return deliver_often


def forwarded(*addresses, delivery=BAD):
    return replace(delivery, headers={"HTTP_X_FORWARDED_FOR": ", ".join(addresses)})


def test_good_signatures_are_never_counted(deliver):
    good = deliver(GOOD, 3 * LIMIT)

    assert good == [ACCEPTED] * 3 * LIMIT
    assert deliver(BAD, LIMIT + 1) == [REFUSED] * LIMIT + [LIMITED]


def test_good_signatures_tell_no_limit(application):
    send(application, BAD)

    answer = send(application, GOOD)

    assert {name for name in answer.headers if name.startswith(("RateLimit", "Retry-After"))} == set()


def test_other_refusals_are_not_counted(deliver):
    too_large = replace(BAD, announced_bytes=LIMIT_BYTES + 1)
    malformed = Delivery(sent=b"[]", signature=sign(b"[]"))
    for refused in (replace(BAD, method="GET"), too_large, malformed):
        deliver(refused, LIMIT)

    assert deliver(BAD, LIMIT + 1) == [REFUSED] * LIMIT + [LIMITED]


def test_bad_signatures_are_told_what_is_wrong_again_in_the_next_window(deliver, clock):
    deliver(BAD, LIMIT + 1)
    clock.now += 60

    assert deliver(BAD, LIMIT + 1) == [REFUSED] * LIMIT + [LIMITED]


def test_retry_after_is_the_end_of_the_window(application, deliver, clock):
    clock.now = 6_000.0
    deliver(BAD, LIMIT)
    clock.now += 18.5

    limited = send(application, BAD)

    assert (limited.status, limited.headers["Retry-After"]) == (429, "42")
    assert limited.headers["RateLimit"] == '"signatures";r=0;t=42'
    assert limited.headers["RateLimit-Policy"] == '"signatures";q=60;w=60'


def test_large_bodies_are_hashed_above_the_limit_too(deliver):
    raw = RAW.ljust(LIMIT_BYTES)
    deliver(replace(BAD, sent=raw), LIMIT + 1)

    assert deliver(replace(BAD, sent=raw)) == [LIMITED]
    assert deliver(Delivery(sent=raw, signature=sign(raw))) == [ACCEPTED]
    assert len(WebhookEvent.objects.get().body) == LIMIT_BYTES


def test_a_flood_asks_no_database(deliver, django_assert_num_queries):
    with django_assert_num_queries(0):
        answers = deliver(BAD, 2 * LIMIT) + deliver(UNSIGNED, LIMIT)

    assert answers == [REFUSED] * LIMIT + [LIMITED] * 2 * LIMIT


def test_a_flood_needs_no_redis(deliver, settings, closed_port):
    settings.CACHES = {
        name: {**cache, "LOCATION": f"redis://127.0.0.1:{closed_port}/0"} for name, cache in settings.CACHES.items()
    }

    with capture_logs() as lines:
        answers = deliver(BAD, 2 * LIMIT)

    assert answers == [REFUSED] * LIMIT + [LIMITED] * LIMIT
    assert [line["event"] for line in lines] == ["request"] * LIMIT + ["rate_limit_reached"]


def test_a_flood_leaves_one_line_above_the_limit_and_good_deliveries_leave_theirs(deliver):
    with capture_logs() as lines:
        deliver(BAD, 10 * LIMIT)
        deliver(GOOD)
        deliver(UNSIGNED, 10 * LIMIT)

    told = [line.get("status", line["event"]) for line in lines if line["event"] != "nudge_lost"]
    assert told == [401] * LIMIT + ["rate_limit_reached", 200]


def test_without_a_proxy_made_up_addresses_gain_nothing(deliver):
    answers = [deliver(forwarded(f"198.51.100.{number}"))[0] for number in range(LIMIT + 20)]

    assert answers == [REFUSED] * LIMIT + [LIMITED] * 20


def test_behind_a_proxy_each_address_has_its_own_limit(deliver, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    deliver(forwarded("198.51.100.1"), LIMIT)

    assert deliver(forwarded("198.51.100.1")) == [LIMITED]
    assert deliver(forwarded("198.51.100.2")) == [REFUSED]


def test_behind_a_proxy_addresses_that_the_sender_wrote_gain_nothing(deliver, settings):
    settings.TRUSTED_PROXY_COUNT = 1

    answers = [deliver(forwarded(f"203.0.113.{number}", "198.51.100.1"))[0] for number in range(LIMIT + 20)]

    assert answers == [REFUSED] * LIMIT + [LIMITED] * 20


def test_behind_a_proxy_a_flood_from_the_address_of_the_gateway_does_not_silence_it(deliver, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    deliver(forwarded("52.31.139.75"), 2 * LIMIT)

    assert deliver(forwarded("52.31.139.75", delivery=GOOD), LIMIT) == [ACCEPTED] * LIMIT


def test_addresses_of_one_ipv6_customer_gain_nothing(deliver):
    answers = [deliver(BAD, address=f"2001:db8:1:{number:x}::{number:x}")[0] for number in range(LIMIT + 20)]

    assert answers == [REFUSED] * LIMIT + [LIMITED] * 20
    assert deliver(BAD, address="2001:db8:1:100::1") == [REFUSED]


def test_addresses_beyond_what_is_remembered_share_one_limit(deliver, monkeypatch):
    monkeypatch.setattr(signature_failures.failures, "_max_keys", 10)
    for number in range(10):
        deliver(BAD, address=f"10.0.0.{number}")

    answers = [deliver(BAD, address=f"10.0.1.{number}")[0] for number in range(LIMIT + 20)]

    assert answers == [REFUSED] * LIMIT + [LIMITED] * 20
    assert deliver(GOOD, address="10.0.2.1") == [ACCEPTED]
    assert len(signature_failures.failures._counts) == 11
