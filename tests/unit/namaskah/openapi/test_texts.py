import re

import pytest
from django.core.validators import RegexValidator
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from namaskah.api.fields import TextField
from namaskah.openapi.texts import text_pattern

FIELDS = {
    "required": TextField(max_length=5),
    "may be blank": TextField(max_length=5, allow_blank=True),
    "of a form": TextField(max_length=5, validators=[RegexValidator(r"^[a-z-]{1,5}\Z")]),
}
BLANKS = " \t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u180e\u2000\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
UNSAFE = "\x00\x01\x1f\x7f\x9f\u200e\u200f\u202a\u202e\u2066\u2069"


@pytest.mark.parametrize("name", FIELDS)
@given(text=st.text(st.sampled_from("abc-é😀" + BLANKS + UNSAFE), max_size=9))
@example(text="")
@example(text=" ")
@example(text="abcde")
@example(text="abcdef")
@example(text="  abcde  ")
@example(text="a b c")
@example(text="abc\n")
@example(text="😀😀😀😀😀")
def test_text_pattern_matches_what_the_field_accepts(name, text):
    field = FIELDS[name]

    is_described = re.fullmatch(text_pattern(field).removeprefix("^").removesuffix("$"), text) is not None

    assert is_described == is_accepted(field, text)


def test_text_pattern_agrees_about_every_character_of_the_oldest_alphabets_and_all_that_control():
    field, pattern = FIELDS["required"], re.compile(text_pattern(FIELDS["required"]))
    texts = [f"a{chr(code)}a" for code in range(0x3100)]

    assert [text for text in texts if bool(pattern.match(text)) != is_accepted(field, text)] == []


def is_accepted(field, text):
    try:
        field.run_validation(text)
    except ValidationError:
        return False
    return True
