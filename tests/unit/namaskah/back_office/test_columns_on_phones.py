"""What keeps lists and tables narrow enough for a phone."""

import pytest

from namaskah.back_office.columns import Table, hide, keep_together, show_reference, show_short_reference

REFERENCE = "nmk-01m7ztv67g3srjrp8brm8n60a15jsd2cb0as"


def test_show_short_reference_keeps_the_whole_on_hover():
    assert show_short_reference(REFERENCE) == (
        f'<code class="whitespace-nowrap" title="{REFERENCE}">nmk-…sd2cb0as</code>'
    )


def test_show_short_reference_of_a_short_one_is_whole():
    assert show_short_reference("order-1") == show_reference("order-1") == '<code class="reference">order-1</code>'


@pytest.mark.parametrize("show", [show_short_reference, keep_together, hide])
def test_what_customers_wrote_is_text_and_no_markup(show):
    assert "<script>" not in show('"><script>alert(1)</script>')


def test_the_cells_of_a_table_know_their_headings():
    table = Table("Ledger", ["When", "Credits"], [["today", 1], ["yesterday", 2]])

    assert table.labelled_rows == [[("When", "today"), ("Credits", 1)], [("When", "yesterday"), ("Credits", 2)]]


def test_a_table_whose_row_does_not_fit_its_headings_is_refused():
    with pytest.raises(ValueError, match="zip"):
        _ = Table("Ledger", ["When", "Credits"], [["today"]]).labelled_rows
