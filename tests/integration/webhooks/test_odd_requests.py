"""Requests that fail in Django before a view is asked, were they read as Django reads them."""

from dataclasses import replace

import pytest

from payments.models import WebhookEvent
from tests.events import charge_success, sign
from tests.integration.webhooks.expectations import Expectation
from tests.integration.webhooks.gateway import send
from tests.unit.payments.webhooks.odd_bodies import REFERENCE
from tests.webhook_mutations import LIMIT_BYTES, Delivery

RAW = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
GOOD = Delivery(sent=RAW, signature=sign(RAW))
ACCEPTED = Expectation(200)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["", "a=1", "a=%ff", "&".join(["a"] * 1001)], ids=["none", "short", "bytes", "long"])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json; charset=hex",
        "application/json; charset=undefined",
        "application/json; charset=idna",
        "application/json; charset=a\x00b",
        "application/json; name*=no-charset'en'value",
        "application/json; name*=hex''%41",
    ],
)
def test_a_content_type_is_never_in_the_way(application, content_type, query):
    answer = send(application, replace(GOOD, content_type=content_type, headers={"QUERY_STRING": query}))

    assert answer.told == ACCEPTED
    assert bytes(WebhookEvent.objects.get().body) == RAW


@pytest.mark.parametrize("size", [len(RAW), LIMIT_BYTES])
def test_a_body_of_unannounced_length_is_read_to_its_end(application, size):
    raw = RAW.ljust(size)

    answer = send(application, Delivery(sent=raw, signature=sign(raw)), is_chunked=True)

    assert answer.told == ACCEPTED
    assert bytes(WebhookEvent.objects.get().body) == raw


@pytest.mark.parametrize("size", [LIMIT_BYTES + 1, 10 * LIMIT_BYTES])
def test_a_body_of_unannounced_length_over_256_kib_is_refused(application, size):
    raw = RAW.ljust(size)

    answer = send(application, Delivery(sent=raw, signature=sign(raw)), is_chunked=True)

    assert answer.told == Expectation(413, "body_too_large")
    assert WebhookEvent.objects.count() == 0
