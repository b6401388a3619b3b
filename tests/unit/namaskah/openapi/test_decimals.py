import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from namaskah.api.fields import AmountField
from namaskah.openapi.decimals import decimal_pattern

PURCHASE = {"minimum": Decimal("5.00"), "maximum": Decimal("10000.00"), "places": 2}
DEBIT = {"minimum": Decimal("0.0001"), "maximum": Decimal("1000000.0000"), "places": 4}

near_a_bound = st.sampled_from([0, 1, 4, 5, 6, 9999, 10000, 10001, 999_999, 1_000_000, 1_000_001])
whole = st.one_of(near_a_bound, st.integers(0, 2_000_000)).map(str)
zeros = st.integers(0, 12).map("0".__mul__)
fraction = st.one_of(
    st.just(""), st.builds(".{}{}{}".format, zeros, st.integers(0, 99_999), zeros), zeros.map(".{}".format)
)
numbers = st.builds("{}{}{}".format, zeros, whole, fraction)
not_numbers = st.text("0123456789.+-eE_ ٣\n", max_size=16)


@pytest.mark.parametrize("bounds", [PURCHASE, DEBIT])
@given(text=st.one_of(numbers, not_numbers))
@example(text="5")
@example(text="4.99")
@example(text="10000.00")
@example(text="10000.01")
@example(text="0.0001")
@example(text="0.00001")
@example(text="1000000.000000000000")
@example(text="25\n")
def test_decimal_pattern_matches_what_the_field_accepts(bounds, text):
    field = AmountField(max_places=bounds["places"], min_value=bounds["minimum"], max_value=bounds["maximum"])

    is_described = re.fullmatch(decimal_pattern(**bounds).removeprefix("^").removesuffix("$"), text) is not None

    assert is_described == is_accepted(field, text)


def test_decimal_pattern_between_bounds_of_any_digits():
    pattern = re.compile(decimal_pattern(minimum=Decimal(17), maximum=Decimal(3304), places=1))

    assert [number for number in range(10_000) if pattern.match(str(number))] == list(range(17, 3305))


@pytest.mark.parametrize(("minimum", "maximum"), [("0.5", "10"), ("1", "10.5")])
def test_decimal_pattern_refuses_bounds_that_it_cannot_express(minimum, maximum):
    with pytest.raises(ValueError, match="no pattern"):
        decimal_pattern(minimum=Decimal(minimum), maximum=Decimal(maximum), places=2)


def is_accepted(field, text):
    try:
        field.run_validation(text)
    except ValidationError:
        return False
    return True
