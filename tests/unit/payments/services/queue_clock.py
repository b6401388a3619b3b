"""The inbox's clock: the database's."""

from django.db import connection

from payments.models import WebhookEvent


def make_due() -> None:
    """Let the time pass until everything that waits is due."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhook_events SET next_attempt_at = now() WHERE next_attempt_at > now()")


def seconds_until_due(event: WebhookEvent) -> float:
    """Return in how many seconds the event is due; exact within one transaction, whose now() stands still."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM next_attempt_at - now()) FROM webhook_events WHERE id = %s", [event.pk]
        )
        return float(cursor.fetchone()[0])
