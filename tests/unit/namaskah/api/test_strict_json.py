import json
import time
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from namaskah.api.strict_json import MalformedJSONError, check_text, loads

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(min_codepoint=1, codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(min_codepoint=1, codec="utf-8")), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"nul",
        b"{",
        b'{"a": 1',
        b'{"a": 1}x',
        b'{"a": 1} {"a": 1}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[1,]",
        b"{a: 1}",
        b"01",
        b"+1",
        b".5",
        b"5.",
        b"0x10",
        b"1_000",
        b'"\x01"',
        b'"\\x41"',
        b"// comment\n1",
        b"\xff",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": 1, "\\u0061": 2}',
        b"9" * 41,
        b"0." + b"1" * 39,
        b"9" * 5000,
        b"1e99999999999999999999",
        b"1E-99999999999999999999",
        b"[" * 17 + b"]" * 17,
        b'{"a":' * 17 + b"1" + b"}" * 17,
        b"[" * 2000,
        b'"\\u0000"',
        b'{"\\u0000": 1}',
        b'[{"a": ["\\ud800"]}]',
        b'"\\udfff"',
    ],
)
def test_loads_refuses(raw):
    with pytest.raises(MalformedJSONError):
        loads(raw, max_depth=16)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, true, null]}\n', {"a": [1, True, None]}),
        (b"25", 25),
        (b"25.10", Decimal("25.10")),
        (b"1e3", Decimal("1E+3")),
        (b"9" * 40, int("9" * 40)),
        (b"[" * 16 + b"]" * 16, [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]),
        (b'"[[[[[[[[[[[[[[[[[[[[[[["', "[" * 23),
        (b'"\\"[[[[[[[[[[[[[[[[[[[[[[["', '"' + "[" * 23),
        ('"ẹ́ 😀"'.encode(), "ẹ́ 😀"),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_loads_reads(raw, value):
    assert loads(raw, max_depth=16) == value


def test_loads_reads_a_fraction_exactly():
    amount = loads(b"0.1", max_depth=1)

    assert type(amount) is Decimal
    assert str(amount) == "0.1"


@pytest.mark.parametrize(("raw", "text"), [(b'"\\u0000"', "\x00"), (b'"\\ud800"', "\ud800")])
def test_loads_lets_unsafe_text_stand_where_it_is_never_stored(raw, text):
    assert loads(raw, max_depth=1, allow_unsafe_text=True) == text


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0d8eE+-.19 ').map(str.encode))
@example(b"1e99999999999999999999")
def test_loads_of_any_bytes_raises_nothing_but_its_own_error(raw):
    try:
        value = loads(raw, max_depth=16)
    except MalformedJSONError:
        return

    json.dumps(value, default=str).encode()


@given(json_values)
def test_loads_reads_what_another_writer_wrote(value):
    assert loads(json.dumps(value).encode(), max_depth=64) == value


@pytest.mark.parametrize("raw", [b'"' + b'\\"' * 32_000, b'"' * 65_536, b'"' + b"\\\\" * 32_000, b'{"' * 32_000])
def test_loads_of_a_string_that_never_ends_takes_no_time(raw):
    started = time.process_time()

    with pytest.raises(MalformedJSONError):
        loads(raw, max_depth=16)

    assert time.process_time() - started < 0.5


def test_check_text_passes_what_postgres_can_store():
    check_text("ẹ́ 😀 \x01\x7f")
