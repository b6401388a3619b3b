"""Whatever stands in an address, the answer is a problem under its documented code, and nothing is changed."""

from uuid import uuid4

import pytest

from tests.factories.snapshots import take_snapshot
from tests.integration.api.clients import (
    DEBITS,
    IDEMPOTENCY,
    OWN_PAYMENT,
    PAYMENTS,
    QUOTE,
    SUMMARY,
    TRANSACTIONS,
    outcome,
    read,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

INVALID = (400, "validation_error")
TAKEN = (200, None)

# What a query parameter may look like, as it stands in the address.
ODD_PARAMETERS = {
    "exponent": "1e3",
    "underscore": "1_000",
    "sign": "%2B5",
    "minus": "-1",
    "blank before": "%205",
    "blank after": "5%20",
    "full-width digit": "%EF%BC%95",
    "Arabic digit": "%D9%A5",
    "fraction": "5.00001",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "true": "true",
    "null": "null",
    "list": "[]",
    "nothing": "0",
    "empty": "",
    "huge": "9" * 40,
    "10,000 characters": "x" * 10_000,
    "turned around": "%E2%80%AE5",
    "NUL": "5%00",
    "no UTF-8": "%ff",
    "half a pair": "%ED%A0%80",
    "two lines": "5%0D%0AX-Injected:%201",
    "quote": "'%20OR%201=1--",
}
WORDS = {"exponent", "underscore", "minus", "fraction", "NaN", "Infinity", "true", "null", "nothing", "huge"}
# What a reference may be looked for as, though no entry has it; bytes that are no UTF-8 are read as U+FFFD.
SEARCHABLE = WORDS | {
    *("sign", "blank before", "blank after", "full-width digit", "Arabic digit", "list", "quote"),
    *("no UTF-8", "half a pair"),
}
PARAMETERS = {
    (PAYMENTS, "state"): set(),
    (PAYMENTS, "created_after"): set(),
    (PAYMENTS, "created_before"): set(),
    (PAYMENTS, "page_size"): set(),
    (PAYMENTS, "cursor"): set(),
    (TRANSACTIONS, "type"): set(),
    (TRANSACTIONS, "reference"): SEARCHABLE,
    (TRANSACTIONS, "created_after"): set(),
    (TRANSACTIONS, "created_before"): set(),
    (TRANSACTIONS, "page_size"): set(),
    (TRANSACTIONS, "cursor"): set(),
    (QUOTE, "amount_usd"): set(),
    (QUOTE, "currency"): set(),
    (SUMMARY, "days"): set(),
}


@pytest.mark.parametrize(("path", "name"), PARAMETERS, ids=lambda value: value)
def test_an_odd_parameter_is_refused(caller, path, name):
    odd = {kind: raw for kind, raw in ODD_PARAMETERS.items() if kind not in PARAMETERS[path, name]}
    base = "amount_usd=25.00&" if path == QUOTE and name != "amount_usd" else ""
    before = take_snapshot()

    answers = {kind: caller.get(f"{path}?{base}{name}={raw}") for kind, raw in odd.items()}

    assert {kind: outcome(answer) for kind, answer in answers.items()} == dict.fromkeys(odd, INVALID)
    assert {error["field"] for answer in answers.values() for error in read(answer)["errors"]} == {name}
    assert take_snapshot() == before


@pytest.mark.parametrize("kind", sorted(SEARCHABLE))
def test_a_reference_that_no_entry_has_finds_nothing(caller, kind):
    answer = caller.get(f"{TRANSACTIONS}?reference={ODD_PARAMETERS[kind]}")

    assert (outcome(answer), read(answer)["results"]) == (TAKEN, [])


GOOD_PARAMETERS = {
    (PAYMENTS, "state"): "completed",
    (PAYMENTS, "created_after"): "2026-11-21T12:00:00Z",
    (PAYMENTS, "created_before"): "2026-11-21T12:00:00Z",
    (PAYMENTS, "page_size"): "5",
    (TRANSACTIONS, "type"): "credit",
    (TRANSACTIONS, "reference"): "sms-1",
    (TRANSACTIONS, "created_after"): "2026-11-21T12:00:00Z",
    (TRANSACTIONS, "created_before"): "2026-11-21T12:00:00Z",
    (TRANSACTIONS, "page_size"): "5",
    (QUOTE, "amount_usd"): "25.00",
    (SUMMARY, "days"): "30",
}


@pytest.mark.parametrize(("path", "name"), GOOD_PARAMETERS, ids=lambda value: value)
def test_a_parameter_that_is_given_twice_is_refused(caller, path, name):
    good = f"{name}={GOOD_PARAMETERS[path, name]}"

    once, twice = caller.get(f"{path}?{good}"), caller.get(f"{path}?{good}&{good}")

    assert (outcome(once), outcome(twice)) == (TAKEN, INVALID)
    assert [(error["field"], error["code"]) for error in read(twice)["errors"]] == [(name, "repeated")]


@pytest.mark.parametrize("path", [PAYMENTS, TRANSACTIONS, f"{QUOTE}?amount_usd=25.00", SUMMARY])
def test_a_parameter_that_nobody_knows_is_refused(caller, path):
    answer = caller.get(f"{path}{'&' if '?' in path else '?'}day=30")

    assert (outcome(answer), read(answer)["errors"][0]["field"]) == (INVALID, "day")


ODD_SEGMENTS = {
    **{kind: raw for kind, raw in ODD_PARAMETERS.items() if raw},
    "a blank": "%20",
    "dots": "..",
    "dots in percents": "%2e%2e",
    "percents of percents": "%2500",
    "parameters": "nmk-1;a=b",
    "long": "nmk-" + "0" * 10_000,
    "two references": f"{OWN_PAYMENT},{OWN_PAYMENT}",
    "capitals": OWN_PAYMENT.upper(),
    "a NUL behind": f"{OWN_PAYMENT}%00",
    "a line behind": f"{OWN_PAYMENT}%0A",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{PAYMENTS}/{{}}", (404, "payment_not_found")),
        (f"{IDEMPOTENCY}/{{}}", (400, "idempotency_key_invalid")),
        (f"{DEBITS}/{{}}/reverse", (404, "not_found")),
    ],
)
def test_an_odd_id_in_an_address_is_refused(caller, path, expected):
    before = take_snapshot(without=["idempotency_keys"])

    answers = {kind: _send_to(caller, path.format(segment)) for kind, segment in ODD_SEGMENTS.items()}

    assert {kind: outcome(answer) for kind, answer in answers.items()} == dict.fromkeys(ODD_SEGMENTS, expected)
    assert take_snapshot(without=["idempotency_keys"]) == before


def _send_to(caller, path):
    if path.startswith(DEBITS):
        return caller.post(path, {"reason": "not delivered"}, key=uuid4())
    return caller.get(path)
