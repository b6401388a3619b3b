"""Bodies and answers on a page: what matters of them, and nothing that hurts."""

import json

import pytest

from payments.admin.documents import show_body, show_json
from tests.events import charge_success
from tests.unit.payments.webhooks.odd_bodies import ODD_BODIES


def read(raw, event_type="charge.success"):
    return show_body(raw, event_type=event_type)


def test_body_is_pretty_and_redacted():
    body = {
        "event": "charge.success",
        "data": {
            "reference": "nmk-1",
            "amount": 5000,
            "fees": 1.5,
            "customer": {"email": "ada@example.com"},
            "authorization": {"authorization_code": "AUTH_1", "last4": "4081"},
            "ip_address": "198.51.100.7",
        },
    }

    document = read(json.dumps(body).encode())

    assert json.loads(document.text) == {
        "event": "charge.success",
        "data": {"reference": "nmk-1", "amount": 5000, "fees": 1.5},
    }
    assert document.text.count("\n") == 7
    assert document.note.startswith(f"{len(json.dumps(body))} bytes, ")


@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda odd: odd.name)
def test_any_body_is_shown_with_its_size_and_nothing_invisible(odd):
    document = read(odd.raw)

    assert all(letter.isprintable() or letter == "\n" for letter in document.text)
    assert document.note.startswith(f"{len(odd.raw):,} byte")
    assert len(document.text) <= 16_000


def test_body_of_256_kb_shows_its_beginning():
    document = read(b"a" * (256 * 1024))

    assert document.note.startswith("262,144 bytes that are no event. Its first 4,000 stand here.")
    assert document.text == "a" * 4_000


def test_body_that_is_large_and_an_event_is_read_whole():
    body = (
        charge_success(reference="nmk-1", amount_minor=1, transaction_id=1)[:-1] + b', "x": "' + b"a" * 262_000 + b'"}'
    )

    document = read(body)

    assert '"nmk-1"' in document.text
    assert "aaaa" not in document.text


def test_bytes_that_are_no_text_and_letters_that_cannot_be_seen_are_written_out():
    document = read(b"\x00\xff" + "a\u202eb\u200bc".encode() + b"\r\n")

    assert document.text == "\\x00\\xffa\\u202eb\\u200bc\\r\n"


def test_body_that_is_no_event_shows_neither_card_tokens_nor_addresses():
    document = read(b'{"event": "charge.success", "data": {"email": "ada@example.com", "code": "AUTH_72btv547"')

    assert "ada@" not in document.text
    assert "72btv547" not in document.text


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"charge.success"', b"[" * 100 + b"]" * 100])
def test_json_that_is_no_object_is_no_event(raw):
    assert read(raw).text == raw.decode()


def test_one_byte_is_one_byte():
    assert read(b"1").note.startswith("1 byte that") or read(b"1").note.startswith("1 byte ")


def test_json_shows_nothing_invisible():
    document = show_json("Asked", {"note": "a\u202eb"}, note="Kept.")

    assert document.text == '{\n  "note": "a\\u202eb"\n}'
    assert (document.title, document.note) == ("Asked", "Kept.")
