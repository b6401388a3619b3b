"""Replays of many events for tests."""

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from payments.models import ReplayRun, ReplayRunEvent
from tests.factories.payments import WebhookEventFactory
from tests.factories.users import StaffFactory


class ReplayRunFactory(DjangoModelFactory[ReplayRun]):
    """A run of three events that nobody has begun with; its events are made by ReplayRunEventFactory."""

    class Meta:
        model = ReplayRun

    by = factory.SubFactory(StaffFactory)
    reason = "The ledger is back."
    asked_for = factory.LazyFunction(lambda: {"filter": {"status__exact": "dead"}})
    total = 3
    created_at = factory.LazyFunction(timezone.now)


class ReplayRunEventFactory(DjangoModelFactory[ReplayRunEvent]):
    """The next event of a run, not replayed yet."""

    class Meta:
        model = ReplayRunEvent

    run = factory.SubFactory(ReplayRunFactory)
    event = factory.SubFactory(WebhookEventFactory)
    position = factory.Sequence(int)
