from decimal import Decimal
from itertools import pairwise

import pytest

from namaskah.idempotency.fingerprints import digest_fields, fingerprint, list_differing_fields

BODY = {"amount_usd": Decimal("25.00"), "currency": "NGN", "channels": ["card", "ussd"]}


def _fingerprint(method="POST", route="/api/v1/payments/initialize", **changes):
    return fingerprint(method=method, route=route, field_digests=digest_fields({**BODY, **changes}))


@pytest.mark.parametrize("amount", ["25", "25.0", "25.0000", "2.5E+1"])
def test_fingerprint_of_one_amount_is_one_fingerprint(amount):
    assert _fingerprint(amount_usd=Decimal(amount)) == _fingerprint()


def test_fingerprint_does_not_depend_on_the_order_of_the_fields():
    turned = dict(reversed(BODY.items()))

    assert fingerprint(method="POST", route="/r", field_digests=digest_fields(turned)) == fingerprint(
        method="POST", route="/r", field_digests=digest_fields(BODY)
    )


def test_fingerprint_is_the_same_in_every_process():
    body = {"amount_usd": Decimal("25.00"), "currency": "NGN"}

    made = fingerprint(method="POST", route="/api/v1/payments/initialize", field_digests=digest_fields(body))

    # Stored keys outlive the process: this value may only change together with a migration.
    assert made == "0a51186326ab9d573dd02299cbeac59a053fa165673b9cf61b177b38e73193cf"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_usd": Decimal("25.01")},
        {"amount_usd": Decimal(2500)},
        {"currency": "ngn"},
        {"currency": None},
        {"channels": ["ussd", "card"]},
        {"channels": []},
        {"channels": "card"},
        {"callback_url": ""},
        {"method": "PUT"},
        {"route": "/api/v1/payments/verify"},
    ],
)
def test_fingerprint_differs_with_anything_that_differs(changes):
    assert _fingerprint(**changes) != _fingerprint()


def test_fingerprint_cannot_be_moved_between_method_and_route():
    assert _fingerprint(method="POST", route="/a") != _fingerprint(method="POST/", route="a")


def test_digest_fields_says_nothing_of_the_values():
    digests = digest_fields(BODY)

    assert {name: len(digest) for name, digest in digests.items()} == {"amount_usd": 64, "channels": 64, "currency": 64}


def test_digest_fields_goes_into_nested_amounts():
    bodies = [{"lines": [{"amount": Decimal(text)}]} for text in ("1", "1.0", "1.00")]

    assert all(digest_fields(one) == digest_fields(other) for one, other in pairwise(bodies))


def test_list_differing_fields_names_changed_added_and_dropped_ones():
    first = digest_fields({"same": 1, "changed": 1, "dropped": 1})
    second = digest_fields({"same": 1, "changed": 2, "added": 1})

    assert list_differing_fields(first, second) == ["added", "changed", "dropped"]
