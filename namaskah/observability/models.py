"""Signs of life."""

from django.db import models


class Heartbeat(models.Model):
    """When a kind of process last showed that it lives."""

    name = models.CharField(max_length=50, primary_key=True)
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "heartbeats"

    def __str__(self) -> str:
        return f"{self.name} at {self.beat_at}"
