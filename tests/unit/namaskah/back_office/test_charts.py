from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from namaskah.back_office.charts import Bar, Chart, Series, round_up


def make_chart(*bars):
    return Chart("Outcomes", "Day", [Series("Paid", "success"), Series("Failed", "danger")], bars, str)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0, 1), (0.003, 0.005), (0.9, 1), (1, 1), (1.2, 2), (3, 5), (7, 10), (10, 10), (11, 20), (1_040_000, 2_000_000)],
)
def test_round_up_gives_a_number_that_people_like(value, rounded):
    assert round_up(value) == pytest.approx(rounded)


def test_rectangles_stand_on_each_other():
    first, second = make_chart(Bar("1 Nov", [6, 2])).rectangles

    assert (first.y, first.height, first.tone, first.tip) == (40, 60, "success", "1 Nov: Paid 6")
    assert (second.y, second.height, second.tone) == (20, 20, "danger")


def test_rectangles_leave_out_what_is_nothing():
    assert [part.tone for part in make_chart(Bar("1 Nov", [0, 3])).rectangles] == ["danger"]


def test_chart_says_what_it_shows():
    chart = make_chart(Bar("1 Nov", [Decimal(1), 0]), Bar("2 Nov", [Decimal(4), 1]), Bar("3 Nov", [Decimal(2), 0]))

    assert chart.summary == "Outcomes: Paid 7, Failed 1; most at 2 Nov. The table below has every value."
    assert chart.ends == ["1 Nov", "2 Nov", "3 Nov"]
    assert chart.ticks == ["5.0", "2.5", "0"]
    assert (chart.headers, chart.rows[0]) == (["Day", "Paid", "Failed"], ["3 Nov", "2", "0"])


@pytest.mark.parametrize("bars", [(), (Bar("1 Nov", [0, 0]),)])
def test_chart_without_values_is_empty(bars):
    chart = make_chart(*bars)

    assert chart.is_empty
    assert "Nothing yet." in render_to_string("back_office/parts/chart.html", {"chart": chart})


def test_chart_is_drawn_with_its_table_and_escapes_what_it_is_given():
    drawn = render_to_string("back_office/parts/chart.html", {"chart": make_chart(Bar("<b>", [6, 2]))})

    assert '<rect class="success" x="0.750" y="40.000" width="8.500" height="60.000">' in drawn
    assert '<th scope="row">&lt;b&gt;</th><td class="number">6</td><td class="number">2</td>' in drawn
    assert "<b>" not in drawn
