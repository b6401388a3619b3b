import string
import time

import pytest
import time_machine

from namaskah.identifiers import PAYMENT_PREFIX, RESERVED_PREFIXES, new_id, new_reference

ALPHABET = set(string.digits + string.ascii_lowercase) - set("ilou")
COUNT = 2000


@pytest.mark.parametrize("prefix", RESERVED_PREFIXES)
def test_new_reference_is_forty_characters_of_the_alphabet(prefix):
    reference = new_reference(prefix)

    assert reference.startswith(prefix)
    assert len(reference) == 40
    assert set(reference.removeprefix(prefix)) <= ALPHABET


def test_new_reference_sorts_by_the_time_it_was_made():
    references = []
    for seconds in (0, 0.01, 1, 3600, 10**9):
        with time_machine.travel(1_700_000_000 + seconds, tick=False):
            references.append(new_reference(PAYMENT_PREFIX))

    assert references == sorted(references)
    assert len({reference[:14] for reference in references}) == 5


def test_new_reference_begins_with_the_milliseconds_in_base_32():
    with time_machine.travel(0.033, tick=False):
        reference = new_reference(PAYMENT_PREFIX)

    assert reference[:14] == "nmk-0000000011"


def test_new_reference_of_one_moment_differs_in_every_random_place():
    with time_machine.travel(1_700_000_000, tick=False):
        references = [new_reference(PAYMENT_PREFIX) for _ in range(COUNT)]

    # Each of the 26 places takes all 32 values: 130 random bits. One value missing from 2,000 draws
    # has a chance of 32 * 26 * (31/32)**2000, below 1e-24.
    assert [len(set(place)) for place in zip(*references, strict=True)][14:] == [32] * 26
    assert len(set(references)) == COUNT


def test_new_id_is_a_version_7_of_now():
    before = time.time_ns() // 1_000_000

    made = new_id()

    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert before <= made.int >> 80 <= after


def test_new_id_sorts_by_the_order_of_making():
    made = [new_id() for _ in range(COUNT)]

    assert made == sorted(made)
    assert len(set(made)) == COUNT
