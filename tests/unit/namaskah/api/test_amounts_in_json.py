"""An amount as it comes over the wire: the parser and the field together keep the grammar."""

from decimal import Decimal

import pytest
from rest_framework.exceptions import ValidationError

from namaskah.api import strict_json
from namaskah.api.fields import AmountField

FIELD = AmountField(max_places=2, min_value=Decimal(5), max_value=Decimal(10_000))


def read(text):
    return FIELD.run_validation(strict_json.loads(text.encode(), max_depth=4))


@pytest.mark.parametrize("text", ["25", "25.0", "25.00", '"25"', '"25.00"', '"025.0"', "25.0000"])
def test_an_amount_is_read_exactly(text):
    assert str(read(text)) == "25.00"


@pytest.mark.parametrize(
    "text", ["25e0", "2.5e1", "2.50E1", "250e-1", "1e9999", '"2.5e1"', '"25,00"', "-25", "-0.0", "true", "null", "[25]"]
)
def test_an_amount_in_another_form_is_refused(text):
    with pytest.raises(ValidationError):
        read(text)
