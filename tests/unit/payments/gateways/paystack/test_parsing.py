import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.gateways.paystack.parsing import read_evidence, read_integer
from payments.models.evidence import Evidence

TRANSACTION: dict[str, Any] = {
    "id": 5873310462,
    "domain": "test",
    "status": "success",
    "reference": "nmk-01k9q",
    "amount": 2547500,
    "requested_amount": 2500000,
    "fees": 47500,
    "currency": "NGN",
    "channel": "card",
    "gateway_response": "Successful",
    "paid_at": "2026-11-04T14:22:37.000Z",
    "paidAt": "2026-11-04T14:22:37.000Z",
    "metadata": {"amount": 9999, "reference": "nmk-other"},
    "authorization": {"last4": "4081"},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None, categories=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_read_evidence_full_transaction():
    evidence = read_evidence(TRANSACTION)

    assert evidence == Evidence(
        reference="nmk-01k9q",
        status="success",
        domain="test",
        currency="NGN",
        amount_minor=2547500,
        requested_amount_minor=2500000,
        fees_minor=47500,
        gateway_transaction_id=5873310462,
        channel="card",
        paid_at=datetime(2026, 11, 4, 14, 22, 37, tzinfo=UTC),
        gateway_response="Successful",
    )


def test_read_evidence_empty_transaction():
    evidence = read_evidence({})

    assert evidence == Evidence(
        reference="",
        status="",
        domain="",
        currency="",
        amount_minor=None,
        requested_amount_minor=None,
        fees_minor=None,
        gateway_transaction_id=None,
        channel="",
        paid_at=None,
        gateway_response="",
    )


@pytest.mark.parametrize("requested", ["abc", -1, True, Decimal("4125000.0"), [], 2**63])
def test_read_evidence_unreadable_requested_amount_proves_no_amount(requested):
    evidence = read_evidence({**TRANSACTION, "requested_amount": requested})

    assert (evidence.amount_minor, evidence.requested_amount_minor) == (None, None)


@pytest.mark.parametrize("requested", [{}, {"requested_amount": None}])
def test_read_evidence_absent_requested_amount_leaves_the_amount(requested):
    transaction = {name: value for name, value in TRANSACTION.items() if name != "requested_amount"}

    evidence = read_evidence(transaction | requested)

    assert (evidence.amount_minor, evidence.requested_amount_minor) == (TRANSACTION["amount"], None)


@pytest.mark.parametrize("status", ["reversal-pending", "ongoing", "something_new"])
def test_read_evidence_unknown_status_passes_through(status):
    assert read_evidence({**TRANSACTION, "status": status}).status == status


@pytest.mark.parametrize("metadata", ["", 0, None, "text", [1], {"a": {}}])
def test_read_evidence_metadata_changes_nothing(metadata):
    assert read_evidence({**TRANSACTION, "metadata": metadata}) == read_evidence(TRANSACTION)


@pytest.mark.parametrize("word", [None, 1, True, ["success"], "succ\x00ess", "success\n", "\ud800success", "s" * 101])
def test_read_evidence_word_that_needs_cleaning_is_none(word):
    evidence = read_evidence({**TRANSACTION, "status": word, "currency": word, "reference": word, "domain": word})

    assert (evidence.status, evidence.currency, evidence.reference, evidence.domain) == ("", "", "", "")


def test_read_evidence_gateway_response_is_cut_and_cleaned():
    evidence = read_evidence({**TRANSACTION, "gateway_response": "Dec\x00lined\ud800 " + "x" * 300})

    assert evidence.gateway_response == "Declined " + "x" * 191


@pytest.mark.parametrize(
    ("paid_at", "paid_at_other", "expected"),
    [
        ("2026-11-04T15:22:37+01:00", None, datetime(2026, 11, 4, 14, 22, 37, tzinfo=UTC)),
        (None, "2026-11-04T14:22:37.000Z", datetime(2026, 11, 4, 14, 22, 37, tzinfo=UTC)),
        ("soon", "2026-11-04T14:22:37.000Z", datetime(2026, 11, 4, 14, 22, 37, tzinfo=UTC)),
        ("2026-11-04T14:22:37", None, None),
        ("0001-01-01T00:00:00+14:00", None, None),
        (1793802157, None, None),
        ("", "", None),
    ],
)
def test_read_evidence_time_of_payment(paid_at, paid_at_other, expected):
    evidence = read_evidence({**TRANSACTION, "paid_at": paid_at, "paidAt": paid_at_other})

    assert evidence.paid_at == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (2500000, 2500000),
        ("2500000", 2500000),
        ("007", 7),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (str(2**63), None),
        ("9" * 5000, None),
        (-1, None),
        ("-1", None),
        (True, None),
        (2500000.0, None),
        ("2500000.00", None),
        ("2_500", None),
        (" 25", None),
        ("٢٥", None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_read_integer_takes_whole_numbers_only(value, expected):
    number = read_integer(value)

    assert number == expected
    assert type(number) is type(expected)


def test_read_evidence_id_zero_is_none():
    assert read_evidence({**TRANSACTION, "id": 0}).gateway_transaction_id is None


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(TRANSACTION)), JSON))
def test_read_evidence_never_fails_and_is_storable(transaction):
    evidence = read_evidence(transaction)

    for value in dataclasses.astuple(evidence):
        if isinstance(value, str):
            assert "\x00" not in value
            assert value.encode("utf-8").decode("utf-8") == value
            assert len(value) <= 200
        elif isinstance(value, int):
            assert 0 <= value < 2**63
        else:
            assert value is None or value.tzinfo == UTC
