from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namaskah.money import convert_to_credits, convert_to_minor, format_credits, format_minor

amounts = st.decimals(min_value="0.01", max_value="10000", places=2)
rates = st.decimals(min_value="0.000001", max_value="100000", places=6)


@pytest.mark.parametrize(
    ("amount_usd", "exchange_rate", "amount_minor"),
    [
        ("25.00", "1650", 4_125_000),
        # int(19.99 * 100 * 1650.5) in binary floating point is one kobo short of the exact 3299349.5.
        ("19.99", "1650.5", 3_299_350),
        ("0.01", "0.5", 1),
        ("0.01", "0.499999", 0),
        ("1.00", "0.005", 1),
        ("10000.00", "99999.999999", 99_999_999_999),
    ],
)
def test_convert_to_minor_rounds_half_up(amount_usd, exchange_rate, amount_minor):
    assert convert_to_minor(Decimal(amount_usd), exchange_rate=Decimal(exchange_rate)) == amount_minor


@given(amount_usd=amounts, exchange_rate=rates)
def test_convert_to_minor_is_the_nearest_integer_and_a_half_goes_up(amount_usd, exchange_rate):
    exact = amount_usd * exchange_rate * 100

    amount_minor = convert_to_minor(amount_usd, exchange_rate=exchange_rate)

    assert amount_minor == int(exact.to_integral_value(ROUND_HALF_UP))
    assert -Decimal("0.5") <= exact - amount_minor < Decimal("0.5")


@given(parts=st.lists(amounts, min_size=2, max_size=5), exchange_rate=rates)
def test_convert_to_minor_of_parts_strays_by_half_a_subunit_each_at_most(parts, exchange_rate):
    whole = convert_to_minor(sum(parts, Decimal(0)), exchange_rate=exchange_rate)

    together = sum(convert_to_minor(part, exchange_rate=exchange_rate) for part in parts)

    assert abs(whole - together) <= Decimal(len(parts) + 1) / 2


@given(minors=st.lists(st.integers(min_value=1, max_value=10**12), min_size=1, max_size=5), exchange_rate=rates)
def test_convert_to_credits_of_parts_never_exceeds_the_whole(minors, exchange_rate):
    whole = convert_to_credits(sum(minors), exchange_rate=exchange_rate)

    together = sum(convert_to_credits(minor, exchange_rate=exchange_rate) for minor in minors)

    assert together <= whole


@given(amount_minor=st.integers(min_value=1, max_value=10**12), exchange_rate=rates)
def test_convert_to_credits_rounds_down_to_four_decimals(amount_minor, exchange_rate):
    exact = Decimal(amount_minor) / 100 / exchange_rate

    credits_bought = convert_to_credits(amount_minor, exchange_rate=exchange_rate)

    assert credits_bought.as_tuple().exponent == -4
    assert 0 <= exact - credits_bought < Decimal("0.0001")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("25", "25.00"),
        ("25.5", "25.50"),
        ("0.125", "0.1250"),
        ("0.0001", "0.0001"),
        ("-10", "-10.00"),
        ("-0.125", "-0.1250"),
        ("1E+3", "1000.00"),
        ("99999999999999.9999", "99999999999999.9999"),
    ],
)
def test_format_credits_has_two_or_four_decimals(amount, text):
    assert format_credits(Decimal(amount)) == text


@given(st.decimals(min_value="-1e13", max_value="1e13", places=4))
def test_format_credits_loses_nothing(amount):
    assert Decimal(format_credits(amount)) == amount


@pytest.mark.parametrize(
    ("amount_minor", "told"), [(4_125_000, "41250.00 NGN"), (1, "0.01 NGN"), (0, "0.00 NGN"), (12_345, "123.45 NGN")]
)
def test_format_minor_is_in_whole_units(amount_minor, told):
    assert format_minor(amount_minor, "NGN") == told
