"""A client looks at its own keys."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from namaskah.api.client_request import ClientRequest
from namaskah.api.views import ApiView
from namaskah.errors import NotFoundError
from namaskah.idempotency.keys import read_key
from namaskah.idempotency.models import IdempotencyKey, RecoveryPoint
from namaskah.openapi import client_operations
from namaskah.openapi.operations import describe


class KeyState(models.TextChoices):
    """What a key is good for now."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    EXPIRED = "expired"


class KeyOutput(serializers.ModelSerializer[IdempotencyKey]):
    """One key, without the answer: whoever has the request gets that by sending it again."""

    state = serializers.SerializerMethodField()

    class Meta:
        model = IdempotencyKey
        fields: ClassVar[tuple[str, ...]] = (
            "key",
            "method",
            "route",
            "state",
            "recovery_point",
            "resource",
            "response_status",
            "replays",
            "created_at",
            "expires_at",
        )

    def get_state(self, row: IdempotencyKey) -> KeyState:
        """Return whether sending the request again begins, waits, replays, or is refused."""
        now: datetime = self.context["now"]
        if row.expires_at <= now:
            return KeyState.EXPIRED
        if row.recovery_point == RecoveryPoint.FINISHED:
            return KeyState.FINISHED
        return KeyState.IN_PROGRESS if row.is_held(now=now) else KeyState.OPEN


@describe(client_operations.KEY)
class KeyDetail(ApiView):
    """GET /api/v1/idempotency/{key}"""

    throttle_scope = "reads"

    def get(self, request: ClientRequest, key: str) -> Response:
        """Show how far the caller's own request with this key came."""
        row = get_key(user=request.user, key=read_key(key))
        return Response(KeyOutput(row, context={"now": timezone.now()}).data)


def get_key(*, user: User, key: UUID) -> IdempotencyKey:
    """Return the user's key.

    :raises NotFoundError: if the user never used it.
    """
    row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is None:
        raise NotFoundError("You have not used this key.")
    return row
