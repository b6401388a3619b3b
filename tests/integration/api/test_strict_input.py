"""Whatever stands in a body, the answer is a problem under its documented code, and nothing is changed."""

import gzip
import json
from uuid import uuid4

import pytest

from tests.factories.snapshots import take_snapshot
from tests.integration.api.clients import (
    DEBITS,
    INITIALIZE,
    OWN_DEBIT,
    OWN_PAYMENT,
    PAYMENTS,
    VERIFY,
    list_routes,
    outcome,
    read,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

INVALID = (400, "validation_error")
MALFORMED = (400, "malformed_json")

REVERSE = f"{DEBITS}/{OWN_DEBIT}/reverse"
REFUND = f"{PAYMENTS}/{OWN_PAYMENT}/refunds"
BODIES = {
    INITIALIZE: {
        "amount_usd": "25.00",
        "currency": "NGN",
        "callback_url": "https://shop.example.com/",
        "channels": ["card"],
    },
    VERIFY: {"reference": OWN_PAYMENT},
    DEBITS: {"user_id": 1, "amount": "1.00", "reference": "sms-2", "service": "sms", "description": "One SMS"},
    REVERSE: {"amount": "0.50", "reason": "not delivered"},
    REFUND: {"amount_usd": "10.00", "reason": "bought twice"},
}

# What a member of a body may look like, as it stands in the JSON.
ODD_MEMBERS = {
    "exponent": '"1e3"',
    "underscore": '"1_000"',
    "sign": '"+5"',
    "minus": '"-1"',
    "blank": '" 5"',
    "full-width digit": '"\N{FULLWIDTH DIGIT FIVE}"',
    "Arabic digit": '"\N{ARABIC-INDIC DIGIT FIVE}"',
    "NaN as text": '"NaN"',
    "nothing as text": '"0"',
    "empty": '""',
    "only blanks": '"  "',
    "10,000 characters": '"' + "x" * 10_000 + '"',
    "turned around": '"\\u202e5"',
    "isolated": '"a\\u2066b"',
    "escape": '"\\u001b[31m"',
    "two lines": '"a\\r\\nb"',
    "NUL": '"a\\u0000b"',
    "half a pair": '"\\ud800"',
    "true": "true",
    "null": "null",
    "list": "[]",
    "list of one": '["5"]',
    "list of lists": "[[]]",
    "object": "{}",
    "object with a member": '{"amount": 5}',
    "zero": "0",
    "minus one": "-1",
    "fraction": "5.00001",
    "exponent number": "1e3",
    "exponent that makes 25": "2.5e1",
    "huge": "9" * 40,
    "huger": "9" * 41,
    "beyond Decimal": "1e99999999999999999999",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "-Infinity",
    "sign number": "+5",
    "leading zero": "05",
    "hexadecimal": "0x5",
    "bare word": "five",
}
NOT_JSON = {
    *("NUL", "half a pair", "huger", "beyond Decimal", "NaN", "Infinity", "minus Infinity"),
    *("sign number", "leading zero", "hexadecimal", "bare word"),
}
TEXTS = {
    *("exponent", "underscore", "sign", "minus", "blank", "full-width digit", "Arabic digit"),
    *("NaN as text", "nothing as text"),
}
REFERENCES = TEXTS - {"sign", "full-width digit", "Arabic digit"}
# What each field may be after all, though it is odd.
FIELDS = {
    (INITIALIZE, "amount_usd"): set(),
    (INITIALIZE, "currency"): set(),
    (INITIALIZE, "callback_url"): set(),
    (INITIALIZE, "channels"): set(),
    (VERIFY, "reference"): TEXTS,
    (DEBITS, "user_id"): set(),
    (DEBITS, "amount"): set(),
    (DEBITS, "reference"): REFERENCES,
    (DEBITS, "service"): TEXTS,
    (DEBITS, "description"): TEXTS | {"empty", "only blanks"},
    (REVERSE, "amount"): set(),
    (REVERSE, "reason"): TEXTS,
    (REFUND, "amount_usd"): set(),
    (REFUND, "reason"): TEXTS,
}


def test_every_field_is_in_the_table():
    assert set(FIELDS) == {(path, name) for path, body in BODIES.items() for name in body}
    assert {path for path, _ in FIELDS} == {
        route.path.replace("debits/<str:reference>", f"debits/{OWN_DEBIT}").replace("<str:reference>", OWN_PAYMENT)
        for route in list_routes()
        if route.method == "POST"
    }


@pytest.mark.parametrize(("path", "field"), FIELDS, ids=lambda value: value)
def test_an_odd_member_of_a_body_is_refused(caller, path, field):
    odd = {name: raw for name, raw in ODD_MEMBERS.items() if name not in FIELDS[path, field]}
    before = take_snapshot()

    answers = {name: caller.post(path, _with_member(path, field, raw), key=uuid4()) for name, raw in odd.items()}

    assert {name: outcome(answer) for name, answer in answers.items()} == {
        name: MALFORMED if name in NOT_JSON else INVALID for name in odd
    }
    assert {
        read(answer)["errors"][0]["field"].split(".")[0] for answer in answers.values() if "errors" in read(answer)
    } == {field}
    assert take_snapshot() == before


def _with_member(path, field, raw):
    text = json.dumps({**BODIES[path], field: "the member"})
    return text.replace('"the member"', raw).encode()


ODD_BODIES = {
    "17 levels": b"[" * 17 + b"]" * 17,
    "10,000 levels": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a member twice": b'{"amount": "1.00", "amount": "2.00"}',
    "a member twice, once escaped": b'{"amount": "1.00", "amo\\u0075nt": "2.00"}',
    "open": b'{"amount": "1.00"',
    "a comma too many": b'{"amount": "1.00",}',
    "two documents": b"{}{}",
    "a comment": b"{/* nothing */}",
    "single quotes": b"{'amount': '1.00'}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no UTF-8": b'{"amount": "\xff"}',
    "overlong": b'{"amount": "\xc0\x80"}',
    "UTF-16": '{"amount": "1.00"}'.encode("utf-16"),
    "UTF-32": '{"amount": "1.00"}'.encode("utf-32"),
    "compressed": gzip.compress(b'{"amount": "1.00"}'),
    "only blanks": b" \r\n",
    "a form": b"amount=1.00",
    "XML": b"<amount>1.00</amount>",
}
NO_OBJECTS = {
    "a list": b"[]",
    "null": b"null",
    "a text": b'"amount"',
    "a number": b"1",
    "true": b"true",
    "nothing": b"",
}


@pytest.mark.parametrize("path", BODIES)
def test_an_odd_body_is_refused(caller, path):
    before = take_snapshot()
    bodies = {**ODD_BODIES, **NO_OBJECTS, "64 KiB and one": b'{"note": "' + b"x" * (64 * 1024 - 11) + b'"}'}

    answers = {kind: caller.post(path, raw, key=uuid4()) for kind, raw in bodies.items()}

    assert {kind: outcome(answer) for kind, answer in answers.items()} == {
        **dict.fromkeys(ODD_BODIES, MALFORMED),
        **dict.fromkeys(NO_OBJECTS, INVALID),
        "64 KiB and one": (413, "body_too_large"),
    }
    assert take_snapshot() == before


ODD_TYPES = [
    *("", "text/plain", "text/json", "json", "application/jsonx", "application/json-patch+json"),
    *("application/problem+json", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"),
    *("multipart/form-data; boundary=x", "application/json, text/html", "application", "/", "\x00", "é"),
    *("*/*", "application/*", "x" * 8192),
]


@pytest.mark.parametrize("path", BODIES)
def test_a_body_of_another_type_is_refused(caller, path):
    raw = json.dumps(BODIES[path])
    before = take_snapshot()

    answers = {kind: _post_as(caller, path, raw, kind) for kind in ODD_TYPES}

    assert {kind: outcome(answer) for kind, answer in answers.items()} == dict.fromkeys(
        ODD_TYPES, (415, "unsupported_media_type")
    )
    assert take_snapshot() == before


@pytest.mark.parametrize("path", BODIES)
def test_a_body_in_another_coding_is_refused_whatever_its_type_says(caller, path):
    text = json.dumps(BODIES[path])
    before = take_snapshot()

    answers = [
        _post_as(caller, path, text.encode("utf-16"), "application/json; charset=utf-16"),
        _post_as(caller, path, gzip.compress(text.encode()), "application/json", **{"Content-Encoding": "gzip"}),
    ]

    assert [outcome(answer) for answer in answers] == [MALFORMED, MALFORMED]
    assert take_snapshot() == before


def _post_as(caller, path, raw, content_type, **headers):
    own = {**caller._headers(), "Idempotency-Key": str(uuid4()), **headers}
    # `post` would recode the body by its type.
    return caller.http.generic("POST", path, raw, content_type=content_type, headers=own)
