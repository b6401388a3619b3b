"""Runs of replays: how tests begin them, watch them, and let their workers die."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from payments.models import ReplayRun, ReplayRunEvent, WebhookAttempt, WebhookEvent
from payments.services import replay_runs


def start(events, by, **changes):
    asked = {"asked_for": {"chosen": len(events)}, "reason": "The ledger is back.", "key": uuid4()} | changes
    return replay_runs.start_run(event_ids=[event.pk for event in events], by=by, now=timezone.now(), **asked)


def read(run):
    run = ReplayRun.objects.get(pk=run.pk)
    return run.state, run.processed, run.failed, run.left


def outcomes(run):
    return list(run.events.order_by("position").values_list("outcome", flat=True))


def attempts():
    return WebhookAttempt.objects.filter(trigger="replay").count()


def audited(action):
    rows = AuditEntry.objects.filter(action=action).order_by("created_at", "id")
    return list(rows.values_list("subject", "outcome", "actor__username", "reason"))


def end_leases():
    """Let the time pass that a worker may take for one event."""
    ReplayRunEvent.objects.filter(claimed_until__isnull=False).update(claimed_until=timezone.now())
    WebhookEvent.objects.filter(status="retrying").update(next_attempt_at=timezone.now() - timedelta(seconds=1))


class Died(BaseException):
    """What the end of a process looks like from inside: nobody handles it."""


def die_before(monkeypatch, module, name):
    """Let a worker take a turn and die where it would call the function."""
    with monkeypatch.context() as killed:
        killed.setattr(module, name, _die)
        with pytest.raises(Died):
            replay_runs.continue_runs()


def _die(*_arguments, **_options):
    raise Died
