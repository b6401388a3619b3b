import io

import pytest
from django.conf import settings

from namaskah.api.parsers import BodyTooLargeError, StrictJSONParser
from namaskah.api.strict_json import MalformedJSONError

LIMIT = 64 * 1024


def _padded(size):
    return b'{"a": 1' + b" " * (size - 8) + b"}"


def test_parse_reads_a_body_of_64_kib():
    assert settings.API_BODY_MAX_BYTES == LIMIT

    assert StrictJSONParser().parse(io.BytesIO(_padded(LIMIT))) == {"a": 1}


def test_parse_refuses_one_byte_more():
    with pytest.raises(BodyTooLargeError, match="64 KiB"):
        StrictJSONParser().parse(io.BytesIO(_padded(LIMIT + 1)))


def test_parse_reads_no_further_than_it_must():
    stream = io.BytesIO(b" " * 10 * LIMIT)

    with pytest.raises(BodyTooLargeError):
        StrictJSONParser().parse(stream)

    assert stream.tell() == LIMIT + 1


@pytest.mark.parametrize(("depth", "is_read"), [(16, True), (17, False)])
def test_parse_reads_sixteen_levels(depth, is_read):
    stream = io.BytesIO(b"[" * depth + b"]" * depth)

    if is_read:
        assert StrictJSONParser().parse(stream) is not None
    else:
        with pytest.raises(MalformedJSONError):
            StrictJSONParser().parse(stream)
