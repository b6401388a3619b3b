"""The generator of odd deliveries: what failed once can be made again, and half of it is signed."""

from tests.integration.webhooks.expectations import expect
from tests.webhook_mutations import make_delivery

COUNT = 1_500


def test_make_delivery_gives_the_same_whatever_was_made_before():
    forwards = [make_delivery(7, index) for index in range(COUNT)]
    backwards = [make_delivery(7, index) for index in reversed(range(COUNT))]

    assert forwards == backwards[::-1]


def test_make_delivery_of_another_seed_is_another():
    same = [index for index in range(200) if make_delivery(1, index) == make_delivery(2, index)]

    assert same == []


def test_make_delivery_signs_every_second_one_and_hardly_any_other():
    signed = [expect(make_delivery(1, index)).status in {200, 400} for index in range(COUNT)]

    # Not all: some come by another method, and some are too large.
    assert sum(signed[1::2]) > 0.8 * COUNT / 2
    assert sum(signed[0::2]) < 0.02 * COUNT / 2


def test_make_delivery_comes_upon_every_answer():
    expectations = [expect(make_delivery(1, index)) for index in range(COUNT)]

    assert {(expectation.status, expectation.code) for expectation in expectations} == {
        (200, ""),
        (400, "malformed_event"),
        (400, "reference_missing"),
        (401, "signature_invalid"),
        (401, "signature_missing"),
        (405, "method_not_allowed"),
        (413, "body_too_large"),
    }
