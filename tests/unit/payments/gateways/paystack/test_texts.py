import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.gateways.paystack.texts import clean_text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Insufficient funds, ₦50 (é)", "Insufficient funds, ₦50 (é)"),
        ("a\x00b", "ab"),
        ("a\ud800b\udfff", "ab"),
        ("line\r\nforged line", "lineforged line"),
        ("\x1b[31mred", "[31mred"),
        ("\u202egnp.exe", "gnp.exe"),
        ("", ""),
    ],
)
def test_clean_text_drops_what_cannot_be_shown(text, cleaned):
    assert clean_text(text, limit=100) == cleaned


def test_clean_text_keeps_the_limit():
    assert clean_text("\x00" + "x" * 11, limit=10) == "x" * 10


@settings(deadline=None)
@given(st.text(st.characters(codec=None, categories=None)))
def test_clean_text_is_always_storable(text):
    cleaned = clean_text(text, limit=20)

    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
