import json
import os
import subprocess
import sys

import pytest

from namaskah.observability.logs import mask
from tests.unit.namaskah.observability import talkative


@pytest.fixture(scope="module")
def lines():
    """What a process of its own wrote to standard error, by event."""
    finished = subprocess.run(
        [sys.executable, "-m", talkative.__name__],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "INFO"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == ""
    return {line["event"]: line for line in map(json.loads, finished.stderr.splitlines())}


def test_every_line_is_one_json_object_with_time_level_and_logger(lines):
    line = lines["email"]

    assert (line["level"], line["logger"]) == ("info", "talkative")
    assert line["timestamp"].endswith("Z")


def test_lines_within_a_request_carry_its_id(lines):
    carriers = {event for event, line in lines.items() if "request_id" in line}

    assert carriers == {event for event, line in lines.items() if line["logger"] == "talkative"}
    assert {lines[event]["request_id"] for event in carriers} == {"2f0c8a4e-0000-4000-8000-000000000001"}


def test_secrets_are_masked(lines):
    assert lines["secret"]["text"] == "key *** and Authorization: *** and ***"


def test_passwords_in_urls_are_masked(lines):
    assert lines["url"]["text"] == "postgresql://***@db/namaskah"


def test_emails_are_masked_but_for_their_first_letter(lines):
    assert lines["email"]["text"] == "ask a***@example.com"


def test_nested_values_are_masked(lines):
    assert lines["nested"]["members"] == {"key": "***", "list": [{"email": "a***@example.com"}, 7, None]}


def test_objects_are_masked_as_text(lines):
    assert lines["object"]["error"] == "***"


def test_card_numbers_are_masked_and_other_long_numbers_are_not(lines):
    assert lines["card"]["text"] == "*** *** 4084084084084082"


def test_identifiers_that_look_like_cards_are_kept(lines):
    assert (lines["ids"]["text"], lines["ids"]["number"]) == ("12345678-4084-4840-8408-408140840840", 4084084084084081)


def test_a_line_break_forges_no_line(lines):
    assert "forged" not in lines
    assert lines["line\nbreak"]["text"].count("\n") == 1


def test_a_traceback_stands_in_its_line_masked(lines):
    exception = lines["unexpected_error"]["exception"]

    assert exception.endswith("base 10: '*** of a***@example.com'")
    assert talkative.SECRET not in exception


def test_lines_of_gunicorn_and_celery_take_the_same_way(lines):
    assert lines["Booting worker with pid: 7"]["logger"] == "gunicorn.error"
    assert lines["Task of a***@example.com"]["level"] == "warning"


def test_a_line_that_ours_repeats_is_dropped(lines):
    dropped = {"Not Found: /nothing", "too quiet", "HTTP Request: GET https://api.paystack.co/transaction"}

    assert dropped.isdisjoint(lines)


def test_django_own_traceback_of_an_unanswered_error_is_kept(lines):
    assert lines["Internal Server Error: /broken"]["exception"] == "ValueError: seen"


@pytest.mark.parametrize(
    "text", ["", "plain", "nmk-01j9zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "2026-11-21T10:00:00Z", "5 @ 3", "sk_", "Bearer"]
)
def test_mask_leaves_harmless_text_alone(text):
    assert mask(text) == text


def test_what_fails_in_a_rehearsal_is_marked_and_raises_no_alarm(lines):
    told = [lines[event] for event in ("rehearsed_error", "webhook_dead_in_rehearsal")]

    assert [(line["level"], line["is_rehearsal"], "exception" in line) for line in told] == [("info", True, False)] * 2
    assert (lines["unexpected_error"]["level"], "exception" in lines["unexpected_error"]) == ("error", True)
