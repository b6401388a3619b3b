"""Every state of the inbox has a word, a colour and a sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.admin.webhook_wording import MEANINGS, REASONS, TONES, explain_event, label_outcome, label_status
from payments.lifecycles import EventStatus
from tests.factories.payments import WebhookAttemptFactory, WebhookEventFactory
from tests.unit.payments.webhooks.odd_bodies import ODD_BODIES

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def explain(**columns):
    return explain_event(WebhookEventFactory.build(**columns), now=NOW)


def test_every_status_has_a_meaning_and_a_colour():
    assert set(MEANINGS) == set(TONES) == set(EventStatus)
    assert {label_status(status).explanation for status in EventStatus} == set(MEANINGS.values())


def test_every_reason_to_set_an_event_aside_is_told():
    assert {odd.error_class for odd in ODD_BODIES} - {""} <= set(REASONS)


@pytest.mark.parametrize("status", EventStatus)
def test_every_status_is_explained(status):
    assert explain(status=status, next_attempt_at=None).startswith(MEANINGS[status])


def test_quarantine_tells_why_and_what_can_be_done():
    usable = explain(status="quarantined", error_class="wrong_domain", next_attempt_at=None)
    unusable = explain(status="quarantined", error_class="malformed_event", event_type="", next_attempt_at=None)

    assert usable.endswith("or the reverse. If it is ours after all, replay it; if not, dismiss it.")
    assert unusable.endswith("can be read. Replaying it could do nothing: look at it, and dismiss it.")


def test_retry_tells_when_and_a_lease_that_a_worker_has_it():
    due = {"status": "retrying", "next_attempt_at": NOW + timedelta(seconds=4)}

    assert explain(**due, error_class="SomeError").endswith(
        "The next try is due at 2026-11-21 11:00:04 WAT (10:00:04 UTC)."
    )
    assert explain(**due).endswith("A worker has it at this moment.")
    assert explain(status="retrying", next_attempt_at=NOW) == MEANINGS[EventStatus.RETRYING]


def test_attempt_that_failed_at_a_processed_event_looks_bad():
    good, bad, unknown = (
        label_outcome(WebhookAttemptFactory.build(**columns))
        for columns in ({"outcome": "processed"}, {"outcome": "processed", "error_class": "X"}, {"outcome": "failed"})
    )

    assert [label.tone for label in (good, bad, unknown)] == ["success", "danger", "danger"]
