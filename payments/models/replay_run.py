"""Replays of many events at once: what was asked for, and how far the workers are with it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from namaskah.identifiers import new_id
from payments.models.webhook_event import WebhookEvent


class ReplayRunState(models.TextChoices):
    """Whether the workers go on with a run."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class ReplayOutcome(models.TextChoices):
    """What became of one event of a run."""

    WAITING = "waiting"
    PROCESSED = "processed"
    FAILED = "failed"


class ReplayRun(models.Model):
    """Events that a member of the staff has replayed together; its id is the token of the form that asked for it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=300)
    # The filter of the list, or how many were chosen by hand.
    asked_for = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=ReplayRunState.choices, default=ReplayRunState.RUNNING)
    total = models.IntegerField()
    processed = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()
    progressed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "replay_runs"
        constraints = [
            models.CheckConstraint(name="payments_replayrun_state_known", condition=Q(state__in=ReplayRunState.values)),
            models.CheckConstraint(name="payments_replayrun_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="payments_replayrun_counts_add_up",
                condition=Q(total__gte=1, processed__gte=0, failed__gte=0) & Q(total__gte=F("processed") + F("failed")),
            ),
            models.CheckConstraint(
                name="payments_replayrun_done_with_all",
                condition=~Q(state=ReplayRunState.DONE) | Q(total=F("processed") + F("failed")),
            ),
            models.CheckConstraint(
                name="payments_replayrun_ended_has_time",
                condition=Q(state=ReplayRunState.RUNNING, ended_at__isnull=True)
                | (~Q(state=ReplayRunState.RUNNING) & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="payments_replayrun_stopped_says_who",
                condition=Q(state=ReplayRunState.STOPPED, stopped_by__isnull=False)
                | (~Q(state=ReplayRunState.STOPPED) & Q(stopped_by__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(
                name="payments_replayrun_running", fields=["created_at"], condition=Q(state=ReplayRunState.RUNNING)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.processed + self.failed} of {self.total} ({self.state})"

    @property
    def left(self) -> int:
        """How many events nobody has replayed yet."""
        return self.total - self.processed - self.failed


class ReplayRunEvent(models.Model):
    """One event of a run: which are done stands here, so that whoever goes on replays none twice."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(ReplayRun, on_delete=models.PROTECT, related_name="events", db_index=False)
    event = models.ForeignKey(WebhookEvent, on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.IntegerField()
    outcome = models.CharField(max_length=20, choices=ReplayOutcome.choices, default=ReplayOutcome.WAITING)
    error_class = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=500, blank=True)
    # The lease: until then nobody else takes it up, and if its worker dies somebody does after that.
    claimed_until = models.DateTimeField(null=True, blank=True)
    claims = models.IntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "replay_run_events"
        constraints = [
            models.UniqueConstraint(name="payments_replayrunevent_once", fields=["run", "event"]),
            models.UniqueConstraint(name="payments_replayrunevent_position", fields=["run", "position"]),
            models.CheckConstraint(
                name="payments_replayrunevent_outcome_known", condition=Q(outcome__in=ReplayOutcome.values)
            ),
            models.CheckConstraint(
                name="payments_replayrunevent_ended_has_time",
                condition=Q(outcome=ReplayOutcome.WAITING, ended_at__isnull=True)
                | (~Q(outcome=ReplayOutcome.WAITING) & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                name="payments_replayrunevent_left",
                fields=["run", "position"],
                condition=Q(outcome=ReplayOutcome.WAITING),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.outcome}"
