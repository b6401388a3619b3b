from datetime import datetime

import pytest

from payments.services import webhooks
from tests.unit.payments.services import told_events
from tests.unit.payments.services.told_events import buy

from .outcomes import complain, run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

EXPLAIN = "explain_payment"


@pytest.fixture
def paid(sandbox):
    payment = buy()
    told_events.pay(sandbox, payment)
    webhooks.drain_inbox()
    return payment


def test_explain_tells_the_story_and_what_it_comes_to(paid):
    status, lines = run(EXPLAIN, paid.reference)

    assert status == 0
    assert lines[0] == f"{paid.reference}  completed  41250.00 NGN  user {paid.user.username}"
    assert lines[-1] == "It was paid and 25.00 credits were given, once. Nothing is to be done."
    story = [(datetime.fromisoformat(line[:19]), line[21:]) for line in lines[1:-1]]
    assert [at for at, _ in story] == sorted(at for at, _ in story)
    assert sorted(told for _, told in story) == [
        "ledger    Ledger: +25.00 credits: credit, balance 25.00",
        "payment   Checkout page opened: pending to processing, checkout opened (by a command)",
        "payment   Paid and credited: processing to completed, paid (through an event)",
        "payment   Purchase begun: pending, initialized (by a command)",
        "webhook   Event charge.success processed",
        "webhook   Event charge.success received",
    ]


def test_explain_as_json(paid):
    status, [told] = run_json(EXPLAIN, paid.reference)

    assert status == 0
    assert (told["reference"], told["state"]) == (paid.reference, "completed")
    assert told["conclusion"] == "It was paid and 25.00 credits were given, once. Nothing is to be done."
    assert told["commands"] == []
    assert ("ledger", "good", "Ledger: +25.00 credits: credit, balance 25.00") in [
        (moment["what"], moment["tone"], moment["told"]) for moment in told["moments"]
    ]
    assert all(datetime.fromisoformat(moment["at"]).tzinfo for moment in told["moments"])


def test_explain_ends_with_the_commands_for_what_it_says(sandbox):
    payment = buy()

    *_, last = run(EXPLAIN, payment.reference)[1]

    assert last.endswith(f"if you have it verified. Commands: `verify_payment {payment.reference}`.")


def test_explain_of_a_bad_reference():
    assert complain(EXPLAIN, "nmk-unknown") == (1, "There is no payment 'nmk-unknown'; references look like nmk-….")
