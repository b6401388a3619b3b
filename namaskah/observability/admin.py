"""Signs of life, to look at."""

from django.contrib import admin
from django.utils import timezone
from unfold.decorators import display

from namaskah.back_office.columns import BAD, GOOD, Label, show_label, show_time
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from namaskah.observability.health import WORKER_SILENCE
from namaskah.observability.models import Heartbeat


def label_heartbeat(heartbeat: Heartbeat) -> Label:
    """Return whether the process lives, as /health/ready judges it."""
    seconds = int(WORKER_SILENCE.total_seconds())
    if timezone.now() - heartbeat.beat_at < WORKER_SILENCE:
        return Label("Alive", GOOD, f"It showed that it lives within the last {seconds} seconds.")
    return Label("Silent", BAD, f"Nothing was heard for more than {seconds} seconds: start it, or see its log.")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """When each kind of process last showed that it lives."""

    list_display = ["name", "shown_state", "shown_beat"]
    # A sign of life is no more than its row.
    list_display_links = None
    ordering = ["name"]
    empty_sentence = "No worker has ever run here: nothing credits payments that webhooks report."

    @display(description="State")
    def shown_state(self, heartbeat: Heartbeat) -> str:
        """Whether it lives."""
        return show_label(label_heartbeat(heartbeat))

    @display(description="Last heard", ordering="beat_at")
    def shown_beat(self, heartbeat: Heartbeat) -> str:
        """How long ago it was heard."""
        return show_time(heartbeat.beat_at)
