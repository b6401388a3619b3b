"""Every state of a refund is told in a word, and every step in words."""

import re
from pathlib import Path

import pytest

from payments.admin import refund_words
from payments.lifecycles import RefundState
from tests.factories.refunds import RefundFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", RefundState)
def test_each_state_has_a_label(state):
    label = refund_words.label_refund(RefundFactory.build(state=state))

    assert label.text
    assert label.explanation.endswith(".")


def test_each_reason_that_the_product_gives_is_told_in_words():
    modules = ("models/refund", "services/refunds", "services/refund_reports", "services/refund_submission")
    sources = [Path(f"payments/{module}.py").read_text(encoding="utf-8") for module in modules]
    given = {reason for source in sources for reason in re.findall(r'reason="([a-z_]+)"', source)}

    assert given <= set(refund_words._STEPS)
