from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namaskah.idempotency.keys import (
    IdempotencyKeyInvalidError,
    IdempotencyKeyMissingError,
    check_key,
    parse_key,
)

TEXT = "0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab"
KEY = UUID(TEXT)


@pytest.mark.parametrize("header", [TEXT, f'"{TEXT}"', TEXT.upper(), f" {TEXT} ", f'\t"{TEXT.upper()}"'])
def test_parse_key_reads_bare_and_quoted_as_one_key(header):
    assert parse_key(header) == KEY


@pytest.mark.parametrize("header", [None, "", "   "])
def test_parse_key_without_a_header_is_missing(header):
    with pytest.raises(IdempotencyKeyMissingError, match="new UUID"):
        parse_key(header)


@pytest.mark.parametrize(
    "header",
    [
        "1",
        "order-25",
        '""',
        TEXT[:-1],
        TEXT + "0",
        TEXT.replace("-", ""),
        f"{{{TEXT}}}",
        f"urn:uuid:{TEXT}",
        f'"{TEXT}',
        f'{TEXT}"',
        f"'{TEXT}'",
        f'""{TEXT}""',
        f'" {TEXT}"',
        f"{TEXT}, {TEXT}",
        f"{TEXT};a=1",
        TEXT.replace("0", "g"),
        TEXT.replace("0", "\uff10"),
        TEXT + "\x00",
        "\x00",
        "é",
        "x" * 10_000,
    ],
)
def test_parse_key_refuses_what_is_no_uuid(header):
    with pytest.raises(IdempotencyKeyInvalidError, match="must be a UUID"):
        parse_key(header)


@given(st.uuids())
def test_parse_key_reads_any_uuid_back(key):
    assert parse_key(str(key)) == parse_key(f'"{key}"') == key


@given(st.text(max_size=60))
def test_parse_key_of_anything_is_a_key_or_a_refusal(header):
    try:
        key = parse_key(header)
    except (IdempotencyKeyMissingError, IdempotencyKeyInvalidError):
        return

    assert str(key) in header.lower()


@pytest.mark.parametrize("header", [None, TEXT, f'"{TEXT}"', TEXT.upper()])
def test_check_key_lets_a_key_or_none_pass(header):
    check_key(header)


@pytest.mark.parametrize("header", ["", "   ", "1", f"{TEXT}0"])
def test_check_key_refuses_a_header_that_holds_none(header):
    with pytest.raises(IdempotencyKeyInvalidError):
        check_key(header)
