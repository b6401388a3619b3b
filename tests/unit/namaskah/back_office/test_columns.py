from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import time_machine

from namaskah.back_office.columns import (
    BAD,
    EMPTY,
    Label,
    Moment,
    as_sentence,
    link,
    show_credits,
    show_exact_time,
    show_label,
    show_minor,
    show_reference,
    show_time,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_LAGOS = "2026-11-21 13:00:00 WAT (12:00:00 UTC)"


@pytest.fixture(autouse=True)
def lagos(settings):
    settings.REPORT_TIME_ZONE = "Africa/Lagos"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, EMPTY),
        (Decimal(0), "0.00"),
        (Decimal("0.0001"), "0.0001"),
        (Decimal("-0.0001"), "-0.0001"),
        (Decimal("25.5000"), "25.50"),
        (Decimal("-25.5"), "-25.50"),
        (Decimal("1234567.8901"), "1,234,567.8901"),
        (Decimal(-1000), "-1,000.00"),
        (Decimal("99999999999999.9999"), "99,999,999,999,999.9999"),
    ],
)
def test_show_credits_as_people_read_them(amount, shown):
    assert show_credits(amount) == shown


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown"),
    [
        (None, "NGN", EMPTY),
        (0, "NGN", "0.00 NGN"),
        (1, "GHS", "0.01 GHS"),
        (4_125_000, "NGN", "41,250.00 NGN"),
        (-4_125_050, "NGN", "-41,250.50 NGN"),
        (9_007_199_254_740_993, "KES", "90,071,992,547,409.93 KES"),
    ],
)
def test_show_minor_as_people_read_it(amount_minor, currency, shown):
    assert show_minor(amount_minor, currency) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-3), "just now"),
        (timedelta(minutes=3, seconds=59), "3\xa0minutes ago"),
        (timedelta(hours=25), "1\xa0day ago"),
        (timedelta(days=800), "2\xa0years ago"),
        (timedelta(minutes=-20), "in 20\xa0minutes"),
        (timedelta(days=-3, hours=-1), "in 3\xa0days"),
    ],
)
def test_show_time_tells_how_long_ago_or_until(ago, shown):
    with time_machine.travel(NOON, tick=False):
        assert f">{shown}</time>" in show_time(NOON - ago)


def test_show_time_tells_the_exact_one_on_hover_and_to_machines():
    text = show_time(NOON)

    assert f'title="{IN_LAGOS}"' in text
    assert 'datetime="2026-11-21T12:00:00+00:00"' in text


def test_show_time_of_none_is_a_dash():
    assert show_time(None) == EMPTY


def test_show_exact_time_of_a_moment_told_in_another_zone_is_the_same():
    assert show_exact_time(NOON.astimezone(timezone(timedelta(hours=5)))) == show_exact_time(NOON) == IN_LAGOS


def test_moment_tells_its_exact_time():
    assert Moment(at=NOON, title="Paid").time == IN_LAGOS


@pytest.mark.parametrize("show", [show_reference, lambda text: link(text, text), lambda text: show_label(Label(text))])
def test_what_customers_wrote_is_text_and_no_markup(show):
    assert "<script>" not in show('"><script>alert(1)</script>')


def test_show_label_says_its_state_in_words_and_explains_it():
    text = show_label(Label("Dead letter", BAD, "Gave up after three attempts."))

    assert "Dead letter" in text
    assert "Gave up after three attempts." in text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Amount Mismatch", "Amount mismatch"),
        ("Failed", "Failed"),
        ("NGN", "NGN"),
        ("Sent to Paystack", "Sent to Paystack"),
        ("", ""),
    ],
)
def test_as_sentence_writes_small_what_django_made_large(name, sentence):
    assert as_sentence(name) == sentence
