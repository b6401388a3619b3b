from datetime import timedelta

import pytest

from namaskah.observability.health import WORKER_SILENCE
from payments.services import worker_signs
from tests.factories.workers import hear_worker

pytestmark = pytest.mark.django_db


def test_a_worker_that_lives_is_not_told_of():
    hear_worker()

    assert (worker_signs.find_worker_silence(), worker_signs.tell_worker_silence()) == (None, "")


@pytest.mark.parametrize(
    ("ago", "label"),
    [
        (WORKER_SILENCE, "no worker for 30 seconds"),
        (timedelta(minutes=1), "no worker for 1 minute"),
        (timedelta(minutes=27), "no worker for 27 minutes"),
        (timedelta(hours=5, minutes=59), "no worker for 5 hours"),
        (timedelta(days=2), "no worker for 2 days"),
    ],
)
def test_a_silent_worker_is_told_of_with_how_long(ago, label):
    hear_worker(ago=ago)

    silence = worker_signs.find_worker_silence()

    assert silence.label == label
    assert silence.sentence.startswith(f"No worker was heard for {label.removeprefix('no worker for ')}, so nothing")


def test_a_worker_that_never_ran_is_told_of():
    silence = worker_signs.find_worker_silence()

    assert (silence.lasts, silence.label) == (None, "no worker ever ran")
    assert worker_signs.tell_worker_silence() == (
        "No worker ever ran here, so nothing goes on by itself: tell an operator, who starts one."
    )
