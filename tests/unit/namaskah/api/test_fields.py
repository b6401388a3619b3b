from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from namaskah.api.fields import AmountField, CreditsField, TextField, WholeNumberField

FIELD = AmountField(max_places=2, min_value=Decimal("5.00"), max_value=Decimal("10000.00"))


@pytest.mark.parametrize(
    "written", [25, "25", "25.0", "25.00", "25.000", "0025", Decimal(25), Decimal("25.0"), Decimal("25.00")]
)
def test_to_internal_value_of_one_amount_is_one_value(written):
    assert str(FIELD.run_validation(written)) == "25.00"


@pytest.mark.parametrize(
    "written",
    [
        "1e3",
        Decimal("1E+3"),
        "1_000",
        "+25",
        "-25",
        -25,
        Decimal("-25.00"),
        "\uff12\uff15",
        "٢٥",
        "2\uff15",
        "\u00b25",
        "NaN",
        "Infinity",
        Decimal("NaN"),
        True,
        False,
        "",
        " ",
        " 25",
        "25 ",
        "25\n",
        "2 5",
        "25.",
        ".5",
        "25,00",
        "0x19",
        "25\x00",
        "$25",
        25.0,
        [],
        {},
        [25],
        "1" * 13,
        "25." + "0" * 13,
    ],
)
def test_to_internal_value_refuses_what_is_no_plain_number(written):
    with pytest.raises(ValidationError) as refusal:
        FIELD.run_validation(written)

    assert [detail.code for detail in refusal.value.detail] == ["invalid"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("25.001", "max_places"),
        (Decimal("25.001"), "max_places"),
        ("4.99", "min_value"),
        ("0", "min_value"),
        ("10000.01", "max_value"),
        ("999999999999", "max_value"),
    ],
)
def test_to_internal_value_refuses_what_is_out_of_bounds(written, code):
    with pytest.raises(ValidationError) as refusal:
        FIELD.run_validation(written)

    assert [detail.code for detail in refusal.value.detail] == [code]


@pytest.mark.parametrize("written", ["5.00", "10000.00"])
def test_to_internal_value_takes_the_bounds_themselves(written):
    assert FIELD.run_validation(written) == Decimal(written)


@pytest.mark.parametrize(("written", "code"), [(None, "null")])
def test_to_internal_value_refuses_null(written, code):
    with pytest.raises(ValidationError) as refusal:
        FIELD.run_validation(written)

    assert [detail.code for detail in refusal.value.detail] == [code]


@given(st.text() | st.integers() | st.decimals() | st.floats() | st.booleans() | st.none() | st.lists(st.text()))
def test_to_internal_value_of_anything_is_an_amount_in_bounds_or_a_refusal(written):
    try:
        amount = FIELD.run_validation(written)
    except ValidationError:
        return

    assert Decimal(5) <= amount <= Decimal(10_000)
    assert amount.as_tuple().exponent == -2


@pytest.mark.parametrize(("places", "written", "expected"), [(4, "0.125", "0.1250"), (2, "25", "25.00")])
def test_to_internal_value_has_the_decimals_of_its_field(places, written, expected):
    field = AmountField(max_places=places, min_value=Decimal(0), max_value=Decimal(100))

    assert str(field.run_validation(written)) == expected


@pytest.mark.parametrize("field", [FIELD, CreditsField()])
def test_to_representation_writes_at_least_two_decimals(field):
    assert field.to_representation(Decimal("25.0000")) == "25.00"


@pytest.mark.parametrize("written", ["Ade", "Adé Ọ̀ṣun", "名前", "👩‍💻 here", "a\u00a0b", "x" * 20])
def test_text_is_kept(written):
    assert TextField(max_length=20).run_validation(written) == written


def test_text_loses_the_blanks_around_it():
    assert TextField().run_validation("  Ade ") == "Ade"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (5, "invalid"),
        (5.5, "invalid"),
        (True, "invalid"),
        (["Ade"], "invalid"),
        ({}, "invalid"),
        ("", "blank"),
        (" ", "blank"),
        (None, "null"),
        ("\n", "unsafe"),
        ("Ade\n", "unsafe"),
        ("a\nb", "unsafe"),
        ("a\tb", "unsafe"),
        ("a\x00b", "unsafe"),
        ("a\x7fb", "unsafe"),
        ("a\x85b", "unsafe"),
        ("a\u2028b", "unsafe"),
        ("a\u202eb", "unsafe"),
        ("a\u2066b", "unsafe"),
        ("x" * 21, "max_length"),
    ],
)
def test_text_refuses(written, code):
    with pytest.raises(ValidationError) as refusal:
        TextField(max_length=20).run_validation(written)

    assert refusal.value.get_codes() == [code]


@pytest.mark.parametrize("written", ["5", 5.0, Decimal(5), True, None, [5], "", 0, 11])
def test_whole_number_refuses(written):
    with pytest.raises(ValidationError):
        WholeNumberField(min_value=1, max_value=10).run_validation(written)


@pytest.mark.parametrize("written", [1, 10])
def test_whole_number_is_kept(written):
    assert WholeNumberField(min_value=1, max_value=10).run_validation(written) == written
